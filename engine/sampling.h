#pragma once

#include <cstdint>
#include <optional>
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

struct Drawn {
  int32_t token = 0;
  // Natural logarithm of the token's probability at this temperature (1 if it is 0), before any
  // filter: what training compares with.
  float log_probability = 0;
  std::vector<int32_t> kept;  // the tokens that survived the filters, ascending; only if asked for
};

enum class KeepSets { No, Yes };

// A number in [0, 1) that depends on its arguments alone: Philox4x32-10 keyed by the seed, counting
// (sample, position).
double uniform(uint64_t seed, uint64_t sample, uint64_t position);

// Draws with `at` = uniform(...): the same logits and number give the same token. Sums are in
// double, in order of falling logits, lower index first. `allowed` (ascending token ids, or none:
// all) is applied before everything. Throws std::domain_error if a logit is NaN or none is finite.
Drawn draw(View<const float, 1> logits, const Sampling& sampling, double at, KeepSets keep,
           const std::vector<int32_t>* allowed);

}  // namespace engine
