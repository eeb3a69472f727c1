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
//     QUOTE: a passage of the proof    up to the REASON line
//     REASON: what is wrong            up to the next issue or the verdict
//   or the line NO ISSUES; then, as the last line that is not blank,
//     VERDICT: 0                       or 0.5 or 1; ** around the whole line is allowed
//
// Exactly one verdict line, and it agrees with the issues: 1 has no fatal one, less has at least
// one. Lines inside a code block count like any others.
struct Verification {
  Score score = Score::Zero;
  std::vector<Issue> issues;
};
std::variant<Verification, Unparsed> read_verification(std::string_view answer);

// An answer to meta_verify.md: for each issue, in order, the line "ISSUE 1: real" or
// "ISSUE 1: not real", the line "SCORE: consistent" or "SCORE: inconsistent", and the verdict as
// the last line. `issues` is how many the judged evaluation lists.
struct MetaVerification {
  Score score = Score::Zero;
  std::vector<bool> real;   // one for each issue
  bool consistent = false;  // the score follows from the issues that are real
};
std::variant<MetaVerification, Unparsed> read_meta_verification(std::string_view answer,
                                                                std::size_t issues);

// An answer to generate.md or refine.md: "## Solution", the proof, "## Self Evaluation", the
// evaluation in the form of a verification. Each heading exactly once, in this order.
struct Generation {
  std::string proof;
  std::string self_evaluation;
  Score self_score = Score::Zero;
};
std::variant<Generation, Unparsed> read_generation(std::string_view answer);

// Content and reasoning of an answer whose server did not part them: text up to the last
// "</think>" is reasoning. An opened "<think>" that is never closed leaves no content.
struct SplitAnswer {
  std::string reasoning;
  std::string content;
};
SplitAnswer split_reasoning(std::string_view text);

// The form of the DeepSeek-Math-V2 templates, for published traces only: the fixed closing phrase,
// in either of its two published spellings ("overall", "overal"), then \boxed{0}, \boxed{0.5} or
// \boxed{1} as the last box of the text.
std::variant<Score, Unparsed> read_legacy_score(std::string_view answer);

}  // namespace prompts
