#pragma once

#include "kernels/instructions.h"
#include "kernels/view.h"

class Threads;

// y[t, c] = x[t, c] * rsqrt(mean_c(x[t]^2) + epsilon) * weight[c]. x and y may be the same.
struct RmsNorm {
  View<const float, 2> x;       // [tokens, dim]
  View<const float, 1> weight;  // [dim]
  float epsilon = 1e-6f;
  View<float, 2> y;  // [tokens, dim]  written
};

// y[t, c] = (x[t, c] - mean) * rsqrt(variance + epsilon) * weight[c] + bias[c].
struct LayerNorm {
  View<const float, 2> x;       // [tokens, dim]
  View<const float, 1> weight;  // [dim]
  View<const float, 1> bias;    // [dim]
  float epsilon = 1e-6f;
  View<float, 2> y;  // [tokens, dim]  written; may be x
};

namespace cpu {
void rms_norm(const RmsNorm& args);
void layer_norm(const LayerNorm& args);
}  // namespace cpu
namespace simd {
template <Instructions level>
void rms_norm(const RmsNorm& args, Threads& threads);
template <Instructions level>
void layer_norm(const LayerNorm& args, Threads& threads);
}  // namespace simd
