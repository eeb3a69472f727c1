#pragma once

#include "kernels/instructions.h"
#include "kernels/view.h"

class Threads;

// Chooses experts (DeepSeek-V3, 2.1.2; DeepSeek-V2, 2.2).
//
//   s = sigmoid(logits) or softmax(logits);   s' = s + bias, for choosing only
//   the groups_kept groups with the largest group score, then the `chosen` largest s' in them;
//   weight = s of the chosen, divided by their sum if `normalise`, times `scale`.
//
// Of equal values the lower index wins, everywhere. The chosen come out in descending order of s'.
// Experts of dropped groups are never chosen (as in DeepSeek's own code, where they get -inf).
struct Router {
  enum class Score { Sigmoid, Softmax };
  enum class Group {
    None,      // one group: all experts compete
    SumOfTwo,  // a group's score is the sum of its two largest s' (V3: noaux_tc)
    Largest,   // a group's score is its largest s' (V2: group_limited_greedy)
  };

  View<const float, 2> logits;  // [tokens, experts]
  View<const float, 1> bias;    // [experts], or no data
  Score score = Score::Sigmoid;
  Group group = Group::None;
  int32_t groups = 1;
  int32_t groups_kept = 1;
  bool normalise = true;
  float scale = 1;
  View<int32_t, 2> expert;  // [tokens, chosen]  written
  View<float, 2> weight;    // [tokens, chosen]  written
};

// Sorts (token, choice) pairs by expert; pairs of one expert stay in the order of tokens.
struct GroupPairs {
  View<const int32_t, 2> expert;  // [tokens, chosen]
  View<int32_t, 1> first;         // [experts + 1]  written: where each expert's pairs begin
  View<int32_t, 1> token;         // [pairs]  written: whose row to gather
  View<int32_t, 2> slot;          // [tokens, chosen]  written: where each pair went
};

// y[i] = x[token[i]].
struct GatherRows {
  View<const float, 2> x;        // [tokens, dim]
  View<const int32_t, 1> token;  // [pairs]
  View<float, 2> y;              // [pairs, dim]  written
};

// y[t] += sum_j weight[t, j] * x[slot[t, j]], in the order of j.
struct CombineExperts {
  View<const float, 2> x;       // [pairs, dim]
  View<const int32_t, 2> slot;  // [tokens, chosen]
  View<const float, 2> weight;  // [tokens, chosen]
  View<float, 2> y;             // [tokens, dim]  added to
};

namespace cpu {
void router(const Router& args);
void group_pairs(const GroupPairs& args);
void gather_rows(const GatherRows& args);
void combine_experts(const CombineExperts& args);
}  // namespace cpu
namespace simd {
template <Instructions level>
void router(const Router& args, Threads& threads);
template <Instructions level>
void gather_rows(const GatherRows& args, Threads& threads);
template <Instructions level>
void combine_experts(const CombineExperts& args, Threads& threads);
}  // namespace simd
