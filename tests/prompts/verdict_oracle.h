#pragma once

#include <optional>
#include <string>
#include <string_view>

// A second reader of verifications, written to share nothing with the first: it goes through the
// answer from its last character to its first, one line at a time, and compares lines from their
// ends. It returns the score in halves, or nothing for whatever is not an answer.
namespace oracle {

// A pattern matched from the right: '#' stands for digits of which the first is not 0.
inline bool equals_backwards(std::string_view line, std::string_view pattern, long* number) {
  std::size_t l = line.size();
  for (std::size_t p = pattern.size(); p > 0; --p) {
    if (pattern[p - 1] != '#') {
      if (l == 0 || line[l - 1] != pattern[p - 1]) return false;
      --l;
      continue;
    }
    long value = 0;
    long power = 1;
    std::size_t digits = 0;
    char leading = '0';
    while (l > 0 && line[l - 1] >= '0' && line[l - 1] <= '9') {
      if (++digits > 4) return false;
      leading = line[--l];
      value += (leading - '0') * power;
      power *= 10;
    }
    if (digits == 0 || leading == '0') return false;
    if (number) *number = value;
  }
  return l == 0;
}

enum class Is { Text, Blank, Fatal, Minor, Quote, Reason, None, Zero, Half, One, Foul };

struct Line {
  Is is = Is::Text;
  long number = 0;
  bool has_text = false;  // Quote, Reason, Text: something but blanks stands in it
};

// Whether a line, after its decoration, reaches for one of the keywords.
inline bool reaches(std::string_view line) {
  auto decoration = [](char c) {
    for (const char d : {' ', '\t', '*', '_', '~', '`', '>', '#', '-', '+'})
      if (c == d) return true;
    return false;
  };
  std::size_t i = 0;
  while (i < line.size() && decoration(line[i])) ++i;
  std::string word;
  while (i < line.size() && line[i] >= 'A' && line[i] <= 'Z') word += line[i++];
  if (word == "VERDICT" || word == "QUOTE" || word == "REASON" || word == "SCORE") {
    while (i < line.size() && decoration(line[i])) ++i;
    if (i < line.size() && line[i] == ':') return true;
    return i + 2 < line.size() && line[i] == '\xEF' && line[i + 1] == '\xBC' &&
           line[i + 2] == '\x9A';
  }
  if (word == "ISSUE") {
    while (i < line.size() && (line[i] == ' ' || line[i] == '\t')) ++i;
    return i < line.size() && line[i] >= '0' && line[i] <= '9';
  }
  if (word != "NO" || i >= line.size() || line[i] != ' ') return false;
  const std::string_view issues = "ISSUES";
  for (++i; const char c : issues)
    if (i >= line.size() || line[i++] != c) return false;
  for (; i < line.size(); ++i)
    if (std::string_view(" \t*_~`.").find(line[i]) == std::string_view::npos) return false;
  return true;
}

inline Line look(std::string_view line) {
  const std::string_view whole = line;
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  if (line.empty()) return {Is::Blank, 0, false};
  for (const auto& [label, is] : {std::pair{"QUOTE:", Is::Quote},
                                  {"**QUOTE:**", Is::Quote},
                                  {"REASON:", Is::Reason},
                                  {"**REASON:**", Is::Reason}}) {
    const std::string_view l = label;
    if (line.size() < l.size() || line.compare(0, l.size(), l) != 0) continue;
    bool text = false;
    for (const char c : line.substr(l.size())) text = text || (c != ' ' && c != '\t' && c != '\r');
    return {is, 0, text};
  }
  Line seen;
  for (const auto& [pattern, is] : {std::pair{"VERDICT: 0", Is::Zero},
                                    {"VERDICT: 0.5", Is::Half},
                                    {"VERDICT: 1", Is::One},
                                    {"NO ISSUES", Is::None},
                                    {"ISSUE # (fatal)", Is::Fatal},
                                    {"ISSUE # (minor)", Is::Minor}}) {
    const std::string bold = "**" + std::string(pattern) + "**";
    if (equals_backwards(line, pattern, &seen.number) ||
        equals_backwards(line, bold, &seen.number)) {
      seen.is = is;
      return seen;
    }
  }
  // Lines of other forms of answer have no place here.
  for (const char* pattern :
       {"ISSUE #: real", "ISSUE #: not real", "SCORE: consistent", "SCORE: inconsistent"})
    if (equals_backwards(line, pattern, nullptr) ||
        equals_backwards(line, "**" + std::string(pattern) + "**", nullptr))
      return {Is::Foul, 0, false};
  if (reaches(whole)) return {Is::Foul, 0, false};
  for (const char c : line) seen.has_text = seen.has_text || (c != ' ' && c != '\t' && c != '\r');
  return seen;
}

// What the line nearest below demands, while reading upwards.
enum class Below { Nothing, Verdict, None, Reason, Quote, Issue };

// UTF-8 by its shape, from the right: each run of continuation bytes is as long as the byte before
// it says. The generated texts hold no other faults.
inline bool is_utf8(std::string_view bytes) {
  std::size_t continuing = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    const auto byte = static_cast<unsigned char>(bytes[i - 1]);
    if (byte >= 0x80 && byte < 0xC0) {
      ++continuing;
      continue;
    }
    const std::size_t wanted = byte < 0x80 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    if (continuing != wanted) return false;
    continuing = 0;
  }
  return continuing == 0;
}

inline std::optional<int> score_in_halves(std::string_view answer) {
  if (!is_utf8(answer)) return std::nullopt;
  std::size_t first = 0;
  while (first < answer.size() &&
         std::string_view(" \t\r\n\f\v").find(answer[first]) != std::string_view::npos)
    ++first;
  if (answer.substr(first, 7) == "<think>") return std::nullopt;

  Below below = Below::Nothing;
  int halves = -1;
  long fatal = 0, issues = 0, next_number = -1;
  bool text_in_part = false;  // of the text lines passed since the last label
  bool loose_text = false;
  std::size_t end = answer.size();
  for (bool more = true; more;) {
    std::size_t begin = end;
    while (begin > 0 && answer[begin - 1] != '\n') --begin;
    std::string_view raw = answer.substr(begin, end - begin);
    more = begin > 0;
    end = more ? begin - 1 : 0;
    if (!raw.empty() && raw.back() == '\r') raw.remove_suffix(1);
    const Line line = look(raw);
    switch (line.is) {
      case Is::Blank:
        break;
      case Is::Foul:
        return std::nullopt;
      case Is::Zero:
      case Is::Half:
      case Is::One:
        if (below != Below::Nothing) return std::nullopt;
        halves = line.is == Is::Zero ? 0 : line.is == Is::Half ? 1 : 2;
        below = Below::Verdict;
        break;
      case Is::None:
        if (below != Below::Verdict || loose_text) return std::nullopt;
        below = Below::None;
        break;
      case Is::Reason:
        if ((below != Below::Verdict && below != Below::Issue) || !(line.has_text || text_in_part))
          return std::nullopt;
        below = Below::Reason;
        text_in_part = loose_text = false;
        break;
      case Is::Quote:
        if (below != Below::Reason || !(line.has_text || text_in_part)) return std::nullopt;
        below = Below::Quote;
        text_in_part = loose_text = false;
        break;
      case Is::Fatal:
      case Is::Minor:
        if (below != Below::Quote || loose_text) return std::nullopt;
        if (next_number != -1 && line.number != next_number - 1) return std::nullopt;
        next_number = line.number;
        fatal += line.is == Is::Fatal;
        ++issues;
        below = Below::Issue;
        break;
      case Is::Text:
        if (below == Below::Nothing) return std::nullopt;
        text_in_part = text_in_part || line.has_text;
        loose_text = true;
        break;
    }
  }
  if (below == Below::Issue ? next_number != 1 : below != Below::None) return std::nullopt;
  if (issues > 200) return std::nullopt;
  const bool agrees = halves == 2 ? fatal == 0 : halves == 1 ? fatal == 0 && issues > 0 : fatal > 0;
  return agrees ? std::optional(halves) : std::nullopt;
}

}  // namespace oracle
