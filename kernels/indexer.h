#pragma once

#include "kernels/instructions.h"
#include "kernels/pages.h"

class Threads;

// Lightning indexer (DeepSeek-V3.2, eq. 1): a cheap score for every earlier token, so that
// attention need read only the best of them.
//
//   score[t, s] = sum_h weight[t, h] * max(0, q[t, h, :] . k[s, :])   for s < seen[t].visible
//
// All heads share one key per token. `weight` has no activation: it may be negative, and so may a
// score. The caller has folded n_heads^-1/2 * head_dim^-1/2 into `weight`. Scores past `visible`
// are not written. Heads are summed in ascending order, each dot product in an order that depends
// on dim alone. Pages are taken one after the other for all tokens that see them: samples that
// share a prefix load each of its keys once.
struct IndexerScores {
  View<const float, 3> q;         // [tokens, heads, dim]; rounded to the keys' type when used
  View<const float, 2> weight;    // [tokens, heads]
  View<const SeenPages, 1> seen;  // [tokens]
  int64_t offset = 0;             // bytes from a page's begin to the layer's index keys
  PageFormat format;              // of the keys; width = dim
  View<float, 2> score;           // [tokens, at least the most visible]  written up to visible
};

namespace cpu {
void indexer_scores(const IndexerScores& args);
}
namespace simd {
template <Instructions level>
void indexer_scores(const IndexerScores& args, Threads& threads);
}  // namespace simd
