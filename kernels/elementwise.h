#pragma once

#include "kernels/instructions.h"
#include "kernels/matrix.h"

class Threads;

// y = silu(gate) * up, silu(x) = x / (1 + exp(-x)). y may be gate or up.
struct SwiGlu {
  View<const float, 2> gate;  // [tokens, dim]
  View<const float, 2> up;    // [tokens, dim]
  View<float, 2> y;           // [tokens, dim]  written
};

// y += x.
struct Add {
  View<const float, 2> x;
  View<float, 2> y;
};

// y[t] = table[id[t]]. REQUIRES: 0 <= id < table.rows.
struct Embed {
  View<const int32_t, 1> id;  // [tokens]
  Matrix table;               // [vocabulary, dim], F32 or BF16
  View<float, 2> y;           // [tokens, dim]  written
};

namespace cpu {
void swiglu(const SwiGlu& args);
void add(const Add& args);
void embed(const Embed& args);
}  // namespace cpu
namespace simd {
template <Instructions level>
void swiglu(const SwiGlu& args, Threads& threads);
template <Instructions level>
void add(const Add& args, Threads& threads);
}  // namespace simd
