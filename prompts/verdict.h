#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace prompts {

// The grammars of the answers that our templates ask for. A score is one of a closed set of
// spellings, compared as text; no number parser ever sees it (invariant I2). Whatever is not
// exactly an answer is `Unparsed`, with the reason in a few words, and never a score.

enum class Score { Zero, Half, One };   // DeepSeekMath-V2, section 2: fatal, minor, complete
std::string_view to_text(Score score);  // "0", "0.5", "1"
std::optional<Score> score_of(std::string_view text);  // of exactly these three
int halves(Score score);                               // 0, 1, 2: scores add without rounding

struct Unparsed {
  std::string reason;
};

// A longer answer, one that is not UTF-8, or one with more issues is unparsed.
inline constexpr std::size_t kAnswerBytesMax = 8 << 20;
inline constexpr std::size_t kIssuesMax = 200;

enum class Severity { Fatal, Minor };
std::string_view to_text(Severity severity);  // "fatal", "minor"

struct Issue {
  Severity severity = Severity::Fatal;
  std::string quote;  // the passage of the proof that it is about, as the verifier wrote it
  std::string reason;
};

// An answer to verify.md:
//
//   any analysis, then for each issue
//     ISSUE 1 (fatal)                  or (minor); numbered from 1 without a gap
//     QUOTE: a passage of the proof    up to the REASON line, not empty
//     REASON: what is wrong            up to the next issue or the verdict, not empty
//   or, if there is none, the line NO ISSUES; then, as the last line that is not blank,
//     VERDICT: 0                       or 0.5 or 1
//
// The rules of spelling, here and below:
// - Lines end with LF or CRLF. Blanks and tabs at the end of a line, and blank lines, are free.
// - These lines start in the first column and are spelt to the letter: upper case where it stands
//   above, one blank between words, ASCII digits, nothing behind. "VERDICT: 1.", "1.0", "1/1" and
//   "verdict: 1" are not verdicts.
// - ** around a whole line (ISSUE, NO ISSUES, VERDICT, SCORE) or around a label (**QUOTE:**) is
//   allowed, and no other decoration.
// - A line that starts, after blanks and any of * _ ~ ` > # - +, like one of these but is not spelt
//   so, stands in the wrong place, or comes a second time, makes the answer unparsed. So there is
//   exactly one verdict line, and what a verifier quotes cannot be taken for its own.
// - Lines inside a code block count like any others.
//
// The score must agree with the issues: 1 has no fatal issue (minor remarks are allowed), 0.5 has
// at least one and only minor ones, 0 has at least one fatal one.
//
// Templates of every family ask for this form: an answer that is read in no other way.
struct Verification {
  Score score = Score::Zero;
  std::vector<Issue> issues;
};
std::variant<Verification, Unparsed> read_verification(std::string_view answer);

// An answer to meta_verify.md: for each issue, in order, the line "ISSUE 1: real" or
// "ISSUE 1: not real", then the line "SCORE: consistent" or "SCORE: inconsistent", and the verdict
// as the last line; text may stand between them. `issues` is how many the judged evaluation lists.
// A verdict of 1 beside an issue that is not real or an inconsistent score is a contradiction, and
// so is 0 where all of them are real and the score is consistent.
struct MetaVerification {
  Score score = Score::Zero;
  std::vector<bool> real;   // one for each issue
  bool consistent = false;  // the score follows from the issues that are real
};
std::variant<MetaVerification, Unparsed> read_meta_verification(std::string_view answer,
                                                                std::size_t issues);

// An answer to generate.md or refine.md: "## Solution", the proof, "## Self Evaluation", the
// evaluation in the form of a verification. Each heading is a line of its own, spelt to the letter
// and without decoration, exactly once, in this order. Neither section is empty; blanks around
// them are taken off, and text before the first heading is dropped.
struct Generation {
  std::string proof;
  std::string self_evaluation;
  Score self_score = Score::Zero;
};
std::variant<Generation, Unparsed> read_generation(std::string_view answer);

// The last line of a verification and of a meta-verification, as it must be written: for whoever
// lets a model write nothing else there.
struct VerdictLine {
  std::string opener;               // "VERDICT: "
  std::vector<std::string> scores;  // one of them, and nothing behind
};
VerdictLine verdict_line();

// Content and reasoning of an answer whose server did not part them: text up to the last
// "</think>" is reasoning, a leading "<think>" taken off. A "<think>" that is opened and never
// closed leaves no content.
struct SplitAnswer {
  std::string reasoning;
  std::string content;
};
SplitAnswer split_reasoning(std::string_view text);

// The form of the DeepSeek-Math-V2 templates, for published traces only: the fixed closing phrase,
// in either of its two published spellings ("overall", "overal"), then \boxed{0}, \boxed{0.5} or
// \boxed{1} as the last box of the text. Two different boxes behind the last closing phrase are
// unparsed.
std::variant<Score, Unparsed> read_legacy_score(std::string_view answer);

}  // namespace prompts
