#pragma once

#include "kernels/instructions.h"
#include "kernels/view.h"

class Threads;

// The `k` largest of each row's first `visible` scores, exactly: -0 equals 0, of equal scores the
// lower index wins, and the indices come out in ascending order. A row with k or fewer scores
// selects all of them. A NaN has no rank: such a row selects nothing and found is -1. A row that
// sees nothing is left alone: neither selected nor found is written.
struct TopK {
  View<const float, 2> score;      // [rows, columns]; what stands past visible is not read
  View<const int32_t, 1> visible;  // [rows], at most columns
  int32_t k = 0;
  View<int32_t, 2> selected;  // [rows, k]  written up to found
  View<int32_t, 1> found;     // [rows]  written where visible > 0: min(k, visible), or -1
};

namespace cpu {
void top_k(const TopK& args);
}
namespace simd {
template <Instructions level>
void top_k(const TopK& args, Threads& threads);
}  // namespace simd
