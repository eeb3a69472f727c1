#pragma once

#include "kernels/instructions.h"
#include "kernels/view.h"

class Threads;

// What training needs beyond a model's own kernels. The twins in kernels/cpu run on any scalar:
// in double they are what finite differences judge.

// s = silu(gate) * up and, from ds, the gradients of gate and up. Outputs may be inputs.
template <class T>
struct SwiGluBackward {
  View<const T, 2> gate, up, ds;  // [tokens, inner]
  View<T, 2> dgate, dup, s;       // [tokens, inner]  written
};

// dx = r (w dy) - x r^3 / dim * sum(w dy x), r = (mean of x^2 + epsilon)^-1/2: written or added.
// Row i of `partial` is the sum of dy x r over the i-th kTokens tokens.
template <class T>
struct RmsNormBackward {
  static constexpr int64_t kTokens = 64;
  enum class Result { Written, Added };

  View<const T, 2> x;       // [tokens, dim]
  View<const T, 1> weight;  // [dim]
  float epsilon = 1e-6f;
  View<const T, 2> dy;  // [tokens, dim]
  View<T, 2> dx;        // [tokens, dim]  may be dy if written
  Result result = Result::Written;
  View<T, 2> partial;  // [ceil(tokens / kTokens), dim]  written
};

// For y[t] = sum_j weight[t, j] x[slot[t, j]]: dx[slot[t, j]] = weight[t, j] dy[t] and
// dweight[t, j] = dy[t] . x[slot[t, j]]. Each slot belongs to one pair. dx may be x.
template <class T>
struct CombineBackward {
  View<const T, 2> dy;          // [tokens, dim]
  View<const T, 2> x;           // [pairs, dim]
  View<const int32_t, 2> slot;  // [tokens, chosen]
  View<const T, 2> weight;      // [tokens, chosen]
  View<T, 2> dx;                // [pairs, dim]  written
  View<T, 2> dweight;           // [tokens, chosen]  written
};

// Of the distribution softmax(logits[t]) over all ids, or over those whose bits are set: the
// logarithm of the sum of exponentials, the target's log-probability, and the entropy. Where the
// target is below 0 all three are 0.
template <class T>
struct CrossEntropy {
  View<const T, 2> logits;        // [tokens, vocabulary]
  View<const int32_t, 1> target;  // [tokens]  kept, if not below 0
  View<const uint64_t, 2> kept;   // [tokens, ceil(vocabulary / 64)], or no data: all
  View<T, 1> log_sum;             // [tokens]  written
  View<T, 1> log_probability;     // [tokens]  written
  View<T, 1> entropy;             // [tokens]  written
};

// dlogits[t, i] = coefficient[t] (exp(logits[t, i] - log_sum[t]) - [i = target]) for ids that are
// kept, else 0.
template <class T>
struct CrossEntropyBackward {
  View<const T, 2> logits;
  View<const int32_t, 1> target;
  View<const uint64_t, 2> kept;
  View<const T, 1> log_sum;
  View<const T, 1> coefficient;
  View<T, 2> dlogits;  // written; may be logits
};

namespace cpu {
template <class T>
void swiglu_backward(const SwiGluBackward<T>& args);
template <class T>
void rms_norm_backward(const RmsNormBackward<T>& args);
template <class T>
void combine_backward(const CombineBackward<T>& args);
template <class T>
void cross_entropy(const CrossEntropy<T>& args);
template <class T>
void cross_entropy_backward(const CrossEntropyBackward<T>& args);
}  // namespace cpu
namespace simd {
template <Instructions level>
void swiglu_backward(const SwiGluBackward<float>& args, Threads& threads);
template <Instructions level>
void rms_norm_backward(const RmsNormBackward<float>& args, Threads& threads);
template <Instructions level>
void combine_backward(const CombineBackward<float>& args, Threads& threads);
template <Instructions level>
void cross_entropy(const CrossEntropy<float>& args, Threads& threads);
template <Instructions level>
void cross_entropy_backward(const CrossEntropyBackward<float>& args, Threads& threads);
}  // namespace simd
