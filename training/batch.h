#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace training {

// Documents laid one behind the other, without padding. A token sees the tokens of its own document
// up to itself; positions start at 0 in each.
struct Batch {
  std::vector<int32_t> token;
  std::vector<int32_t> target;       // what should follow; -1: nothing is asked here
  std::vector<int32_t> first = {0};  // [documents + 1] of the first token of each, then the size

  // What a rollout recorded, if it is trained on again (DeepSeek-V3.2, section 3.1).
  // [tokens, MoE layers, chosen]: keep routing. Empty, or -1 at a token and layer: the router's.
  std::vector<int32_t> experts;
  std::vector<uint64_t> kept;  // [tokens, words]: bits of the ids that could be sampled as the
                               // target; empty: all. words = ceil(vocabulary / 64)

  int64_t tokens() const { return int64_t(token.size()); }
  int64_t documents() const { return int64_t(first.size()) - 1; }
};

}  // namespace training
