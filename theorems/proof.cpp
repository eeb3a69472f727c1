#include "theorems/proof.h"

#include <fmt/format.h>

#include <algorithm>

#include "theorems/exact.h"

namespace theorems {
namespace {

constexpr std::string_view kEnd = "QED";
constexpr std::string_view kBlank = " \t\r";
constexpr std::size_t kRefsMax = 100;
constexpr std::size_t kRuleBytesMax = 12;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::optional<int> small_number(std::string_view text) {
  const auto value = text.size() <= 4 ? read_integer(text) : std::nullopt;
  if (!value || *value < 1 || text[0] == '0') return std::nullopt;
  return int(*value);
}

// "calc", "add 4 3", "5", "": a word of small letters, then numbers.
std::optional<std::string> read_rule(std::string_view text, Line& line) {
  std::size_t at = 0;
  bool first = true;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    const bool letters = std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
    if (first && letters && word.size() <= kRuleBytesMax) {
      line.rule = word;
    } else if (const auto number = small_number(word)) {
      if (line.refs.size() == kRefsMax) return "more references than a line may have";
      line.refs.push_back(*number);
    } else {
      return fmt::format("\"{}\" in the brackets is neither a rule nor the number of a line", word);
    }
    first = false;
  }
  return std::nullopt;
}

// Why the text is no line; nothing if it is one.
std::optional<std::string> read_line(std::string_view text, int number, Line& line) {
  if (text.size() > kLineBytesMax) return "longer than a line may be";
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || small_number(text.substr(0, dot)) != number)
    return fmt::format("does not begin with \"{}.\"", number);
  const std::size_t open = text.rfind('[');
  if (!text.ends_with(']') || open == std::string_view::npos || open < dot)
    return "does not end in a rule in brackets";
  line.number = number;
  line.text = text;
  line.body = trimmed(text.substr(dot + 1, open - dot - 1));
  if (line.body.empty()) return "says nothing";
  return read_rule(text.substr(open + 1, text.size() - open - 2), line);
}

}  // namespace

std::variant<Proof, Unreadable> read_proof(std::string_view text) {
  Proof proof;
  int place = 0;
  bool ended = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++place;
    if (line.empty()) continue;
    if (ended) return Unreadable{place, "something stands behind QED"};
    if (line == kEnd) {
      ended = true;
      continue;
    }
    if (proof.lines.size() == kProofLinesMax)
      return Unreadable{place, fmt::format("more than {} lines", kProofLinesMax)};
    Line read;
    if (auto reason = read_line(line, int(proof.lines.size()) + 1, read))
      return Unreadable{place, std::move(*reason)};
    proof.lines.push_back(std::move(read));
  }
  if (!ended) return Unreadable{place, "there is no QED at the end"};
  if (proof.lines.empty()) return Unreadable{place, "there is no line"};
  return proof;
}

std::string line_text(const Line& line) {
  std::string rule = line.rule;
  for (const int ref : line.refs) rule += (rule.empty() ? "" : " ") + std::to_string(ref);
  return fmt::format("{}. {} [{}]", line.number, line.body, rule);
}

std::string to_text(const Proof& proof) {
  std::string text;
  for (const Line& line : proof.lines) text += line_text(line) + "\n";
  return text + std::string(kEnd) + "\n";
}

}  // namespace theorems
