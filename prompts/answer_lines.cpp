#include "prompts/answer_lines.h"

#include <array>
#include <utility>

namespace prompts {
namespace {

constexpr std::string_view kLineBlanks = " \t";
constexpr std::string_view kDecoration = " \t*_~`>#-+";
constexpr std::size_t kNumberDigitsMax = 4;  // issue numbers go up to kIssuesMax

std::string_view without_blanks_behind(std::string_view line) {
  const std::size_t last = line.find_last_not_of(kLineBlanks);
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::string_view without_bold(std::string_view line) {
  if (line.size() > 4 && line.starts_with("**") && line.ends_with("**"))
    return line.substr(2, line.size() - 4);
  return line;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// A number from 1, without leading zeros.
std::optional<std::size_t> take_number(std::string_view& text) {
  std::size_t number = 0;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (digits == kNumberDigitsMax) return std::nullopt;
    number = number * 10 + static_cast<std::size_t>(text[digits] - '0');
    ++digits;
  }
  if (digits == 0 || text[0] == '0') return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

// Whether the line wants to be one of ours: a keyword behind any decoration.
bool starts_like_ours(std::string_view line) {
  const std::size_t first = line.find_first_not_of(kDecoration);
  if (first == std::string_view::npos) return false;
  line.remove_prefix(first);
  for (const std::string_view keyword : {"VERDICT", "SCORE", "QUOTE", "REASON"}) {
    std::string_view rest = line;
    if (!take(rest, keyword)) continue;
    const std::size_t next = rest.find_first_not_of(kDecoration);
    if (next == std::string_view::npos) return false;
    rest.remove_prefix(next);
    return rest.starts_with(":") || rest.starts_with("\xEF\xBC\x9A");  // or a full-width colon
  }
  if (take(line, "ISSUE")) {
    const std::size_t next = line.find_first_not_of(kLineBlanks);
    return next != std::string_view::npos && line[next] >= '0' && line[next] <= '9';
  }
  return line.starts_with("NO ISSUES") &&
         line.substr(9).find_first_not_of(" \t*_~`.") == std::string_view::npos;
}

std::optional<AnswerLine> read_issue(std::string_view line) {
  AnswerLine read;
  if (!take(line, "ISSUE ")) return std::nullopt;
  const std::optional<std::size_t> number = take_number(line);
  if (!number) return std::nullopt;
  read.number = *number;
  if (line == " (fatal)" || line == " (minor)") {
    read.kind = LineKind::Issue;
    read.severity = line == " (fatal)" ? Severity::Fatal : Severity::Minor;
    return read;
  }
  if (line == ": real" || line == ": not real") {
    read.kind = LineKind::Judged;
    read.real = line == ": real";
    return read;
  }
  return std::nullopt;
}

std::optional<AnswerLine> read_label(std::string_view line) {
  AnswerLine read;
  const bool quote = take(line, "QUOTE:") || take(line, "**QUOTE:**");
  if (!quote && !take(line, "REASON:") && !take(line, "**REASON:**")) return std::nullopt;
  read.kind = quote ? LineKind::Quote : LineKind::Reason;
  read.rest = line;
  return read;
}

}  // namespace

std::optional<std::string_view> AnswerLines::next() {
  if (ended_) return std::nullopt;
  const std::size_t end = rest_.find('\n');
  std::string_view line = rest_.substr(0, end);
  if (end == std::string_view::npos)
    ended_ = true;
  else
    rest_.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

AnswerLine read_line(std::string_view line) {
  const std::string_view full = line;
  line = without_blanks_behind(line);
  if (line.empty()) return {.kind = LineKind::Blank};
  if (const auto label = read_label(line)) return *label;

  line = without_bold(line);
  if (const auto issue = read_issue(line)) return *issue;
  if (line == "NO ISSUES") return {.kind = LineKind::NoIssues};
  std::string_view rest = line;
  if (take(rest, kVerdictOpener))
    if (const std::optional<Score> score = score_of(rest))
      return {.kind = LineKind::Verdict, .score = *score};
  if (line == "SCORE: consistent" || line == "SCORE: inconsistent")
    return {.kind = LineKind::Consistency, .consistent = line == "SCORE: consistent"};
  if (starts_like_ours(full)) return {.kind = LineKind::Misspelt};
  return {.kind = LineKind::Text, .rest = full};
}

}  // namespace prompts
