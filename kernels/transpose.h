#pragma once

#include "kernels/instructions.h"
#include "kernels/number.h"

class Threads;

// y[c, r] = x[r, c]; into bfloat16, rounded to the nearest. Subnormal numbers may become 0.
template <class To>
struct Transpose {
  View<const float, 2> x;  // [rows, cols]
  View<To, 2> y;           // [cols, rows]  written
};

// y = x, rounded in the same way.
struct Bfloat16Copy {
  View<const float, 2> x;
  View<Bfloat16, 2> y;  // written
};

namespace cpu {
template <class To>
void transpose(const Transpose<To>& args);
void bfloat16_copy(const Bfloat16Copy& args);
}  // namespace cpu
namespace simd {
template <Instructions level>
void transpose(const Transpose<float>& args, Threads& threads);
template <Instructions level>
void transpose(const Transpose<Bfloat16>& args, Threads& threads);
template <Instructions level>
void bfloat16_copy(const Bfloat16Copy& args, Threads& threads);
}  // namespace simd
