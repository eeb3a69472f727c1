#pragma once

// Floats in their order, and a row of them shared out to the warps of a block.

#include <algorithm>
#include <bit>

#include "kernels/cuda/launch.h"

namespace cuda {

// Ascends with x; -0 equals 0. REQUIRES: no NaN.
__device__ inline uint32_t key_of(float x) {
  const uint32_t bits = x == 0 ? 0 : std::bit_cast<uint32_t>(x);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

// The part of a row of `count` numbers that this warp takes, in whole steps of a warp.
struct Part {
  int32_t begin = 0, end = 0;
};
__device__ inline Part part_of(int32_t count) {
  const int32_t steps = int32_t(blocks_for(count, kWarp));
  const int32_t each = int32_t(blocks_for(steps, threads() / kWarp)) * kWarp;
  const int32_t begin = std::min(thread() / kWarp * each, count);
  return {.begin = begin, .end = std::min(begin + each, count)};
}

}  // namespace cuda
