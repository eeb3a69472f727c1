#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kernels/view.h"

namespace engine {

// How a token is drawn from logits. Filters apply in this order, each to what the last one left:
// temperature, top_k, top_p, min_p.
struct Sampling {
  double temperature = 1;  // 0: the largest logit, lowest index first
  int32_t top_k = 0;       // 0: all
  double top_p = 1;        // keeps the fewest most likely tokens whose sum reaches it
  double min_p = 0;        // keeps tokens at least min_p times as likely as the likeliest
};

// What is out of range in `sampling`, or nothing.
std::optional<std::string> wrong_with(const Sampling& sampling);

struct Drawn {
  int32_t token = 0;
  // Natural logarithm of the token's probability at this temperature (1 if it is 0) among the
  // allowed tokens, before any filter: what training compares with.
  float log_probability = 0;
  // Natural logarithm of the share that the filters left, 0 if all; only if kept sets are asked
  // for. log_probability - log_kept is the token's among those that it was drawn from.
  float log_kept = 0;
  // The tokens that survived the filters, ascending; only if asked for. Empty: all of them did, and
  // all were allowed.
  std::vector<int32_t> kept;
};

enum class KeepSets { No, Yes };

// A number in [0, 1) that depends on its arguments alone: Philox4x32-10 keyed by the seed, counting
// (sample, position).
double uniform(uint64_t seed, uint64_t sample, uint64_t position);

// Draws with `at` = uniform(...): the same logits and number give the same token. The tokens share
// [0, 1) in order of falling logits, lower index first; sums are in double and in a fixed order.
// `allowed` (ascending token ids, or nullptr: all) is applied before everything; a logit of
// -infinity is a token that is not allowed. Throws std::domain_error if a logit is NaN or
// +infinity, or if no allowed one is finite.
// REQUIRES: nothing is wrong_with(sampling), 0 <= at < 1, allowed tokens below the vocabulary.
Drawn draw(View<const float, 1> logits, const Sampling& sampling, double at, KeepSets keep,
           const std::vector<int32_t>* allowed);

// What is asked of one row of logits: draw's other arguments.
struct ToDraw {
  Sampling sampling = {};
  double at = 0;
  KeepSets keep = KeepSets::No;
  const std::vector<int32_t>* allowed = nullptr;
};

// What was drawn, or why nothing was: draw's exception in words.
using DrawOutcome = std::variant<Drawn, std::string>;
DrawOutcome outcome_of(View<const float, 1> logits, const ToDraw& wanted);

// In words, on whatever device it was found.
std::string no_number(int64_t token);  // a logit that is NaN or +infinity
inline constexpr const char* kNothingFinite = "no allowed logit is finite";

}  // namespace engine
