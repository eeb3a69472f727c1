#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "prompts/gate_checks.h"
#include "text/words.h"

namespace prompts {
namespace {

constexpr std::size_t kNestingMax = 64;           // deeper environments are not followed
constexpr std::size_t kEnvironmentBytesMax = 72;  // \begin{ and the longest name that is one

// Words that no sentence ends with.
constexpr std::array<std::string_view, 41> kUnfinished{
    "a",    "an",    "and",  "are",   "as",      "because", "but",   "by",        "for",
    "from", "hence", "if",   "into",  "let",     "of",      "or",    "since",     "so",
    "such", "than",  "that", "the",   "their",   "then",    "there", "therefore", "thus",
    "to",   "we",    "when", "where", "whereas", "which",   "while", "with",      "und",
    "dass", "der",   "weil", "denn",  "have"};

// The last \begin{..} without its \end{..}.
std::optional<Span> open_environment(std::string_view proof) {
  struct Open {
    std::string_view name;
    Span span;
  };
  std::vector<Open> open;
  for (std::size_t at = proof.find('\\'); at != std::string_view::npos; at = proof.find('\\', at)) {
    const std::string_view rest = proof.substr(at);
    if (rest.starts_with("\\\\")) {
      at += 2;
      continue;
    }
    const bool begins = rest.starts_with("\\begin{");
    const std::size_t name = begins ? 7 : 5;
    ++at;
    if (!begins && !rest.starts_with("\\end{")) continue;
    const std::size_t close = rest.substr(0, kEnvironmentBytesMax).find_first_of("}\n");
    if (close == std::string_view::npos && rest.size() < kEnvironmentBytesMax)
      return Span{at - 1, proof.size()};
    if (close == std::string_view::npos || rest[close] == '\n') continue;
    const std::string_view environment = rest.substr(name, close - name);
    if (begins && open.size() < kNestingMax) {
      open.push_back({environment, {at - 1, at - 1 + close + 1}});
    } else if (!begins) {
      // An \end closes what it names and whatever was forgotten inside.
      const auto opened = std::find_if(open.rbegin(), open.rend(),
                                       [&](const Open& o) { return o.name == environment; });
      if (opened != open.rend()) open.erase(opened.base() - 1, open.end());
    }
  }
  if (open.empty()) return std::nullopt;
  return open.back().span;
}

// An opening \[, \( or $$ without its closing one. A single dollar toggles within a paragraph only,
// as in TeX, so that a sum of money does not turn the rest of the text inside out.
std::optional<Span> open_formula(std::string_view proof) {
  enum class State { Text, Inline, Display };
  State state = State::Text;
  std::size_t display = 0;
  std::optional<std::size_t> bracket;
  for (std::size_t at = 0; at < proof.size(); ++at) {
    const char c = proof[at];
    const char next = at + 1 < proof.size() ? proof[at + 1] : '\0';
    if (c == '\\') {
      if (next == '[' || next == '(') bracket = at;
      if (next == ']' || next == ')') bracket.reset();
      ++at;
    } else if (c == '\n' && next == '\n' && state == State::Inline) {
      state = State::Text;
    } else if (c == '$' && next == '$' && state != State::Inline) {
      if (state == State::Text) display = at;
      state = state == State::Text ? State::Display : State::Text;
      ++at;
    } else if (c == '$' && state != State::Display) {
      state = state == State::Text ? State::Inline : State::Text;
    }
  }
  if (bracket) return Span{*bracket, proof.size()};
  if (state == State::Display) return Span{display, proof.size()};
  return std::nullopt;
}

// An odd dollar alone may be a slip or a currency; with what stands behind it on the last line and
// no end of a sentence there, the text breaks off in a formula.
std::optional<Span> open_inline_formula(std::string_view last_line, std::size_t offset) {
  std::size_t dollars = 0;
  std::size_t last = 0;
  for (std::size_t at = 0; at < last_line.size(); ++at) {
    if (last_line[at] == '\\') {
      ++at;
    } else if (last_line[at] == '$') {
      ++dollars;
      last = at;
    }
  }
  const bool finished = std::string_view(".!?)").find(last_line.back()) != std::string_view::npos;
  if (dollars % 2 == 0 || finished || last + 1 == last_line.size()) return std::nullopt;
  return Span{offset + last, offset + last_line.size()};
}

bool is_rule(std::string_view line) {
  return line.find_first_not_of("-=*_+ ") == std::string_view::npos;
}

std::optional<Span> unfinished_line(std::string_view line, std::size_t offset) {
  if (is_rule(line)) return std::nullopt;
  const Span end{offset + line.size() - 1, offset + line.size()};
  const bool line_break = line.ends_with("\\\\");
  if (!line_break && std::string_view(",([{=+\\<:&^").find(line.back()) != std::string_view::npos)
    return end;
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  std::size_t word = line.size();
  while (word > 0 && is_letter(line[word - 1])) --word;
  const std::string_view last = line.substr(word);
  // A single letter, or one behind a backslash or a dollar, is a formula: "by $a", "choose a".
  const bool plain = word > 0 && (line[word - 1] == ' ' || line[word - 1] == '\t');
  if (!plain || last == "a" ||
      std::find(kUnfinished.begin(), kUnfinished.end(), last) == kUnfinished.end())
    return std::nullopt;
  return Span{offset + word, offset + line.size()};
}

}  // namespace

std::optional<Span> find_truncation(std::string_view proof) {
  if (const auto span = open_environment(proof)) return span;
  if (const auto span = open_formula(proof)) return span;

  const std::string_view text = text::trim(proof);
  if (text.empty()) return std::nullopt;
  const std::size_t line_begin =
      text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1;
  const std::string_view line = text::trim(text.substr(line_begin));
  const auto offset = static_cast<std::size_t>(line.data() - proof.data());
  if (const auto span = open_inline_formula(line, offset)) return span;
  return unfinished_line(line, offset);
}

}  // namespace prompts
