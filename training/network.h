#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/config.h"
#include "training/arithmetic.h"
#include "training/batch.h"
#include "training/parameters.h"

namespace training {

enum class Attention {
  Dense,   // all earlier tokens
  WarmUp,  // as Dense, and the indexer learns the attention over all of them
  Sparse,  // the index_top_k that the indexer chooses; the indexer learns the attention on them
};

struct PassOptions {
  Attention attention = Attention::Sparse;
  double indexer_loss = 0;  // its weight; 0: the indexer gets no gradient
  double balance_loss = 0;  // weight of the sequence-wise balance loss (DeepSeek-V3, 2.1.2)
};

// What a forward pass finds besides the logits.
struct PassLosses {
  double indexer = 0;                // mean over layers and tokens of KL(attention || indexer)
  double balance = 0;                // mean over layers and documents
  double attention_recall = 0;       // share of attention mass on what the indexer would choose
  std::vector<int64_t> expert_load;  // [MoE layers * experts]: tokens sent there
};

// The network of DeepSeek-V3.2 for training: attention in its multi-head form over whole documents.
// The language model's loss gives nothing to the indexer, and the indexer's nothing to the rest.
//
// Use: forward, then read the log-probabilities, then backward with what the loss makes of them.
template <class T>
class TrainingNetwork {
 public:
  // `arithmetic` outlives it.
  TrainingNetwork(const model::Config& config, Arithmetic<T>& arithmetic);
  ~TrainingNetwork();

  // Keeps what backward needs; `batch` and what `weights` view stay until then. Throws
  // std::length_error if a document is longer than the model's positions, a token lies outside the
  // vocabulary, or the batch's parts do not fit together.
  PassLosses forward(const ParameterViews<const T>& weights, const Batch& batch,
                     const PassOptions& options);

  // Of the batch of the last forward pass: log p(target), 0 where nothing is asked. [tokens]
  std::span<const T> log_probability() const;
  // Entropy of the distribution at each asked token, 0 elsewhere. [tokens]
  std::span<const T> entropy() const;
  View<const T, 2> logits() const;  // [tokens, vocabulary]
  // The experts of each token: [tokens, MoE layers, chosen], as in Batch.
  std::span<const int32_t> experts() const;

  // Adds to `gradients` the gradient of
  //   sum over tokens of coefficient[t] * -log p(target_t)  +  the losses that forward was told of.
  // The caller divides: coefficient 1 / asked tokens is the mean cross-entropy.
  // `coefficient` [tokens], signed.
  void backward(std::span<const T> coefficient, const ParameterViews<T>& gradients);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace training
