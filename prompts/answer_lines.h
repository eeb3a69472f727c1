#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "prompts/verdict.h"

namespace prompts {

inline constexpr std::string_view kVerdictOpener = "VERDICT: ";  // then a score, and nothing behind

// The lines of an answer, one after the other, without their line ends.
class AnswerLines {
 public:
  explicit AnswerLines(std::string_view text) : rest_(text) {}

  // Nothing at the end of the text.
  std::optional<std::string_view> next();

 private:
  std::string_view rest_;
  bool ended_ = false;
};

// What a line of an answer is by itself, before its place is looked at.
enum class LineKind {
  Text,
  Blank,
  Issue,        // "ISSUE 1 (fatal)": number, severity
  Judged,       // "ISSUE 1: real": number, real
  Quote,        // "QUOTE: rest"
  Reason,       // "REASON: rest"
  NoIssues,     // "NO ISSUES"
  Consistency,  // "SCORE: consistent": consistent
  Verdict,      // "VERDICT: 0.5": score
  Misspelt,     // starts like one of the above and is none
};

struct AnswerLine {
  LineKind kind = LineKind::Text;
  std::size_t number = 0;
  Severity severity = Severity::Fatal;
  bool real = false;
  bool consistent = false;
  Score score = Score::Zero;
  std::string_view rest = {};  // of Quote and Reason; the line itself of Text
};

AnswerLine read_line(std::string_view line);

}  // namespace prompts
