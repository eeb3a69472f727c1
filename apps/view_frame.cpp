// What the view shows of a board: pure. What draws it stands in view.cpp.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>

#include "apps/view.h"
#include "apps/view_text.h"

namespace apps {
namespace {

constexpr std::size_t kNameMin = 12;
constexpr std::size_t kNameMax = 40;
constexpr std::size_t kFiguresWidth = 62;  // what stands behind a name, about

std::vector<Piece> problem_line(const pipeline::ItemProgress& item, std::size_t name_width) {
  std::vector<Piece> pieces;
  pieces.push_back(
      {padded(shortened(printable(item.name), name_width), name_width), Style::Strong});
  pieces.push_back({fmt::format("  round {:>2}", item.round)});
  pieces.push_back({item.judged > 0 ? fmt::format("  best {:4.2f}", item.best_mean)
                                    : std::string("  best    -")});
  pieces.push_back({fmt::format("  {:>3} for", item.votes_for), Style::Good});
  pieces.push_back({fmt::format(" {:>3} against", item.votes_against),
                    item.votes_against > 0 ? Style::Bad : Style::Faint});
  pieces.push_back({fmt::format(" {:>3} struck", item.votes_struck), Style::Faint});
  pieces.push_back({fmt::format(" {:>3} lost", item.votes_lost),
                    item.votes_lost > 0 ? Style::Doubtful : Style::Faint});
  return pieces;
}

// The time so far, and what is left if the rest takes as long for each item as what is done.
std::string time_words(const pipeline::Board& board, const View::Options& options, double elapsed) {
  std::string words = short_time(elapsed);
  if (options.seconds) words += " of " + short_time(double(*options.seconds));
  const int64_t left = board.items - board.items_done;
  if (board.items_done > 0 && left > 0)
    words += ", about " + short_time(elapsed / double(board.items_done) * double(left)) + " to go";
  return words;
}

std::vector<Piece> items_line(const pipeline::Board& board, const View::Options& options,
                              double elapsed) {
  return {
      {fmt::format("{} of {} done", board.items_done, board.items), Style::Strong},
      {fmt::format("  {} accepted", board.accepted), Style::Good},
      {fmt::format(" {} refused", board.refused), board.refused > 0 ? Style::Bad : Style::Plain},
      {fmt::format(" {} undecided", board.undecided),
       board.undecided > 0 ? Style::Doubtful : Style::Plain},
      {"  " + time_words(board, options, elapsed), Style::Faint}};
}

// Calls that the ledger knew were paid for before; the tokens and the cost of those are not on the
// board, so both are this sitting's.
std::string budget_words(const pipeline::Board& board, const pipeline::BudgetLimits& budget) {
  std::vector<std::string> parts;
  if (budget.calls)
    parts.push_back(fmt::format("{} of {} calls",
                                board.calls_known + board.calls_done + board.calls_failed,
                                *budget.calls));
  const std::string sitting = board.calls_known > 0 ? " now" : "";
  if (budget.tokens)
    parts.push_back(fmt::format("{} of {} tokens{}",
                                short_count(double(board.tokens_prompt + board.tokens_output)),
                                short_count(double(*budget.tokens)), sitting));
  if (budget.cost)
    parts.push_back(fmt::format("cost {:.2f} of {:.2f}{}", board.cost, *budget.cost, sitting));
  return parts.empty() ? "" : fmt::format("  budget {}", fmt::join(parts, ", "));
}

std::vector<Piece> calls_line(const pipeline::Board& board, const View::Options& options,
                              double tokens_per_second) {
  std::vector<Piece> pieces{{fmt::format("calls {} done", board.calls_done)}};
  if (board.calls_known > 0) pieces.push_back({fmt::format(" (+{} known)", board.calls_known)});
  if (board.calls_failed > 0)
    pieces.push_back({fmt::format(" {} failed", board.calls_failed), Style::Doubtful});
  pieces.push_back(
      {fmt::format("  {} in flight {} waiting", board.calls_in_flight, board.calls_waiting)});
  pieces.push_back({fmt::format("  {} tokens/s", short_count(tokens_per_second))});
  if (!options.budget.cost && board.cost > 0)
    pieces.push_back({fmt::format("  cost {:.2f}", board.cost)});
  pieces.push_back({budget_words(board, options.budget)});
  return pieces;
}

std::string joined(const std::vector<Piece>& pieces) {
  std::string text;
  for (const Piece& piece : pieces) text += piece.text;
  return text;
}

// One less than the terminal has: a full line would let some terminals wrap.
std::size_t usable_width(const View::Options& options) {
  return std::size_t(std::max(options.width - 1, 1));
}

}  // namespace

std::vector<std::string> frame(const pipeline::Board& board, const View::Options& options,
                               double elapsed, double tokens_per_second) {
  const std::size_t width = usable_width(options);
  const Colour colour = options.colour ? Colour::On : Colour::Off;
  // A frame taller than the terminal could not be drawn over: two lines for the whole, one for
  // "and more", one for the cursor.
  const std::size_t shown = std::size_t(std::clamp(options.height - 4, 0, kViewProblemsMax));
  const std::size_t room = width > kFiguresWidth ? width - kFiguresWidth : 0;
  std::size_t name_width = kNameMin;
  std::size_t number = 0;
  for (const pipeline::ItemProgress& item : board.in_flight) {
    if (number++ == shown) break;
    name_width = std::max(name_width, columns(printable(item.name)));
  }
  name_width = std::min(name_width, std::clamp(room, kNameMin, kNameMax));

  std::vector<std::string> lines;
  for (const pipeline::ItemProgress& item : board.in_flight) {
    if (lines.size() == shown) {
      const std::string more = fmt::format("and {} more", board.in_flight.size() - shown);
      lines.push_back(styled({{more, Style::Faint}}, width, colour));
      break;
    }
    lines.push_back(styled(problem_line(item, name_width), width, colour));
  }
  lines.push_back(styled(items_line(board, options, elapsed), width, colour));
  lines.push_back(styled(calls_line(board, options, tokens_per_second), width, colour));
  return lines;
}

std::string heartbeat(const pipeline::Board& board, const View::Options& options, double elapsed,
                      double tokens_per_second) {
  return joined(items_line(board, options, elapsed)) + "  " +
         joined(calls_line(board, options, tokens_per_second));
}

}  // namespace apps
