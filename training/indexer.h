#pragma once

#include "model/config.h"
#include "training/arithmetic.h"
#include "training/buffer.h"
#include "training/document_layout.h"
#include "training/norm.h"
#include "training/parameters.h"
#include "training/rope.h"

namespace training {

// How far the indexer's softmax is from the attention that it should foretell.
struct IndexerDistance {
  double divergence = 0;  // mean over tokens of KL(attention || indexer), on the keys compared
  double recall = 0;      // mean over tokens of the attention mass on the chosen keys
};

// The lightning indexer (DeepSeek-V3.2, 2.1):
//
//   score[t, s] = sum_j w[t, j] max(0, q[t, j] . k[s]),  q = rope(c Wq^T),  k = rope(norm(x Wk^T)),
//   w = x Ww^T * (heads * dim)^-1/2.
//
// x and the query latent c are constants to its loss: the rest of the network gets nothing of it.
template <class T>
class IndexerLayer {
 public:
  IndexerLayer(const model::Config& config, const RopeLayer<T>& rope);

  struct Input {
    View<const T, 2> x;             // [tokens, hidden], normed
    View<const T, 2> query_latent;  // [tokens, query_latent], normed
    const DocumentLayout& layout;
  };
  // What all layers use one after the other.
  struct Work {
    Buffer<T> score, mean, d_score, key_parts, lost;
  };

  // Scores all keys and chooses the best index_top_k of each token, by the rule of kernels/top_k.h.
  // Throws model::Broken if a score is not a number.
  void choose(Arithmetic<T>& arithmetic, const IndexerViews<const T>& weights, const Input& input,
              Work& work);
  DocumentKeys chosen(const DocumentLayout& layout);

  // Compares with `mean`, the mean of the attention's probabilities over its heads, on the keys
  // that were attended to: all, or those chosen. work.mean holds it in rows of `keys`, and
  // work.score what choose() left. If weight > 0, keeps the gradients of weight * divergence for
  // backward.
  IndexerDistance compare(Arithmetic<T>& arithmetic, const Input& input, const DocumentKeys& keys,
                          double weight, Work& work);

  // Adds what compare() kept to the indexer's parameters.
  void backward(Arithmetic<T>& arithmetic, const IndexerViews<const T>& weights, const Input& input,
                const IndexerViews<T>& gradients);

 private:
  void select(Arithmetic<T>& arithmetic, const DocumentLayout& layout, View<const T, 1> score);

  int64_t heads_, dim_;
  int32_t top_k_;
  RopePairs pairs_;
  T weight_scale_;
  const RopeLayer<T>& rope_;
  LayerNormLayer<T> norm_;
  Buffer<T> query_, raw_key_, key_, weight_;  // [tokens, heads * dim], dim twice, heads
  Buffer<T> d_query_, d_key_, d_weight_;
  Buffer<int32_t> selected_, found_;  // [tokens, top_k], [tokens]
};

}  // namespace training
