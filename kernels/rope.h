#pragma once

#include "kernels/instructions.h"
#include "kernels/view.h"

class Threads;

enum class RopePairs {
  Interleaved,  // (2i, 2i + 1): MLA's queries and keys
  HalfSplit,    // (i, i + dim / 2): DeepSeek-V3.2's indexer
};

// Turns part of each head's vector, in place: for pair (a, b) number i of token t
//   a' = a cos(t, i) - b sin(t, i),   b' = b cos(t, i) + a sin(t, i).
struct Rope {
  View<float, 3> x;  // [tokens, heads, width]  dims first ... first + dim - 1 change
  int64_t first = 0;
  int64_t dim = 0;                  // even
  View<const int32_t, 1> position;  // [tokens], each below the table's extent
  View<const float, 3> table;       // [positions, dim / 2, 2]: cos, sin
  RopePairs pairs = RopePairs::Interleaved;
};

namespace cpu {
void rope(const Rope& args);
}
namespace simd {
template <Instructions level>
void rope(const Rope& args, Threads& threads);
}  // namespace simd
