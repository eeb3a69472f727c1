#pragma once

#include "model/config.h"
#include "training/indexer.h"
#include "training/network.h"

namespace training {

// Multi-head latent attention in its multi-head form, with the indexer (DeepSeek-V3.2, 2.1):
//
//   c = norm(x Wqd^T),  q = c Wq^T,  (l~ | r) = x Wkd^T,  l = norm(l~),  (k | v) = l Wkv^T per
//   head, rope on r and on the last dims of each q;  y = attention(q, (k | r), v) Wo^T.
//
// Which keys a token reads is a constant to the gradient.
template <class T>
class AttentionLayer {
 public:
  AttentionLayer(const model::Config& config, const RopeLayer<T>& rope);

  // What all layers use one after the other.
  struct Work {
    typename IndexerLayer<T>::Work indexer;
    Buffer<T> d_attended, d_query, d_key_value, d_rope_key, rope_key_parts;
    Buffer<T> d_query_latent, d_latent;
  };
  struct Options {
    Attention attention = Attention::Sparse;
    double indexer_loss = 0;  // weight of this layer's divergence
  };

  // x [tokens, hidden], normed; y [tokens, hidden]: written or added to. Dense leaves the indexer
  // alone.
  IndexerDistance forward(Arithmetic<T>& arithmetic, const AttentionViews<const T>& weights,
                          View<const T, 2> x, const DocumentLayout& layout, const Options& options,
                          Work& work, View<T, 2> y, Into into);
  // Of the last forward pass, with its weights, x, layout and options. dx is written.
  void backward(Arithmetic<T>& arithmetic, const AttentionViews<const T>& weights,
                View<const T, 2> x, const DocumentLayout& layout, View<const T, 2> dy, Work& work,
                View<T, 2> dx, const AttentionViews<T>& gradients);

 private:
  void project(Arithmetic<T>& arithmetic, const AttentionViews<const T>& weights,
               View<const T, 2> x, const DocumentLayout& layout);
  DocumentKeys keys(const DocumentLayout& layout);
  DocumentAttention<T> core(const DocumentLayout& layout);
  void query_backward(Arithmetic<T>& arithmetic, const AttentionViews<const T>& weights,
                      View<const T, 2> x, Work& work, View<T, 2> dx,
                      const AttentionViews<T>& gradients);
  void key_backward(Arithmetic<T>& arithmetic, const AttentionViews<const T>& weights,
                    View<const T, 2> x, Work& work, View<T, 2> dx,
                    const AttentionViews<T>& gradients);

  int64_t heads_, nope_, rope_dim_, value_, latent_dim_, query_latent_dim_;
  T scale_;
  RopePairs pairs_;
  const RopeLayer<T>& rope_;
  RmsNormLayer<T> query_norm_, latent_norm_;
  IndexerLayer<T> indexer_;
  Options options_;
  Buffer<T> raw_query_latent_, query_latent_, query_;     // [tokens, ...]
  Buffer<T> raw_latent_, latent_, rope_key_, key_value_;  // [tokens, ...]
  Buffer<T> attended_;                                    // [tokens, heads * value]
  Buffer<T> probability_, softmax_;                       // see DocumentAttention
};

}  // namespace training
