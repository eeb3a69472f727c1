#pragma once

#include "kernels/instructions.h"
#include "kernels/view.h"

class Threads;

// How the published FP8 deployment rounds what it caches, simulated in float so that results can
// be held against it (DeepSeek-V3.2-Exp, inference/kernel.py: act_quant).
// Published: index queries and keys are turned by Hadamard and rounded to FP8, latents rounded to
// FP8.
enum class CacheNumerics { Plain, Published };

// x = x H / sqrt(dim), H the Walsh-Hadamard matrix in natural order: H(i, j) = (-1)^popcount(i &
// j).
struct Hadamard {
  View<float, 2> x;  // [vectors, dim], dim a power of two; in place
};

// For each group of `group` numbers: s = max(max|x|, amax_least) / 448, raised to a power of two if
// asked; x = float8(clamp(x / s)) * s.
struct SimulateFloat8 {
  static constexpr float kAmaxLeast = 1e-4f;

  View<float, 2> x;  // [vectors, dim], `group` divides dim; in place
  int64_t group = 128;
  float amax_least = kAmaxLeast;
  enum class Scale { Exact, PowerOfTwo } scale = Scale::PowerOfTwo;  // config's scale_fmt "ue8m0"
};

// x rounded to bfloat16 and back.
struct RoundToBfloat16 {
  View<float, 2> x;
};

namespace cpu {
void hadamard(const Hadamard& args);
void simulate_float8(const SimulateFloat8& args);
void round_to_bfloat16(const RoundToBfloat16& args);
}  // namespace cpu
namespace simd {
template <Instructions level>
void hadamard(const Hadamard& args, Threads& threads);
template <Instructions level>
void simulate_float8(const SimulateFloat8& args, Threads& threads);
template <Instructions level>
void round_to_bfloat16(const RoundToBfloat16& args, Threads& threads);
}  // namespace simd
