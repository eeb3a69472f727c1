#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace support {

// A model that plays generator, verifier and meta-verifier by rule, with set rates of error. What
// it answers is a pure function of the prompt's fenced texts, the task that the prompt sets, the
// seed and the rates: neither the wording of a template nor a nonce changes it, so that two runs
// with the same seed end alike. See arithmetic_proof.h for the proofs that it writes.
struct ScriptedRates {
  uint64_t world_seed = 0;  // another world: other truths, other errors
  std::size_t steps = 6;    // of a proof, at most kStepsMax

  // The generator. Each rate is for one step.
  double flaw = 0.10;   // a false formula: fatal
  double vague = 0.05;  // nothing shown: minor
  double fix = 0.8;     // a refinement mends a flaw that an analysis names
  double slip = 0.02;   // a refinement spoils a step that was right
  double boast = 0.3;   // claims 1 whatever it knows; for the whole proof

  // The verifier.
  double miss = 0.15;        // does not see a flaw; for each flaw
  double invent = 0.02;      // calls a right step fatally wrong; for each right step
  double vote_error = 0.1;   // gives a stranger's proof another score than its true one
  double meta_error = 0.05;  // takes a real issue for none or the reverse; for each issue

  // The true scores of proofs from elsewhere, which have no steps to check: 1 and 0.5, else 0. One
  // that holds a false sum or product as a formula is 0 in any case.
  double stranger_right = 0.4;
  double stranger_minor = 0.2;

  double garble = 0.0;  // the answer does not keep to its form; for each answer

  // Answers are lengthened to at least so many tokens, of kTokenBytes each.
  std::size_t reasoning_tokens = 0;
  std::size_t answer_tokens = 0;
};

struct ScriptedAnswer {
  std::string reasoning;
  std::string content;
};

ScriptedAnswer scripted_answer(std::string_view prompt, int64_t seed, const ScriptedRates& rates);

// Cuts an answer that is longer than so many tokens, reasoning first, never inside a character.
enum class Fit { Whole, CutShort };
Fit limit_tokens(ScriptedAnswer& answer, int64_t tokens_max);

inline constexpr std::size_t kTokenBytes = 4;
inline constexpr std::size_t kAnswerTokensMax = 1 << 20;

// An estimate, the same everywhere.
constexpr int64_t tokens_of(std::string_view text) {
  return int64_t((text.size() + kTokenBytes - 1) / kTokenBytes);
}

}  // namespace support
