#pragma once

#include <span>

#include "training/arithmetic.h"
#include "training/batch.h"
#include "training/buffer.h"

namespace training {

// Log-probability of what should follow, and entropy, of the distribution over all ids or over
// those that batch.kept names. Keeps the logarithm of each sum of exponentials.
template <class T>
class CrossEntropyLayer {
 public:
  // logits [tokens, vocabulary]. 0 where nothing is asked. Throws std::out_of_range if a target
  // lies outside the vocabulary or is not kept.
  void forward(Arithmetic<T>& arithmetic, const Batch& batch, View<const T, 2> logits);

  std::span<const T> log_probability() const;  // [tokens]
  std::span<const T> entropy() const;          // [tokens]

  // dlogits[t] = coefficient[t] * (softmax(logits[t]) - one at the target) over the kept ids, 0
  // elsewhere. Written; may be logits. Logits and batch are those of forward.
  void backward(Arithmetic<T>& arithmetic, const Batch& batch, View<const T, 2> logits,
                std::span<const T> coefficient, View<T, 2> dlogits);

 private:
  Buffer<T> log_sum_, log_probability_, entropy_;
  int64_t tokens_ = 0;
};

}  // namespace training
