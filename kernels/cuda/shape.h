#pragma once

#include <cstdint>

namespace cuda {

inline constexpr int kWarp = 32;           // threads that run in step
inline constexpr int kThreadsMost = 1024;  // of a block
// What a block of an sm_90 may have; the kernels' scratch is laid out by hand within it.
inline constexpr int64_t kSharedBytesMost = 227 * 1024;

// Of one launch: blocks in one row, threads in one row.
struct Shape {
  int64_t blocks = 0;
  int threads = 256;
  int64_t shared_bytes = 0;  // scratch that a block's threads share
};

constexpr int64_t blocks_for(int64_t count, int64_t each) { return (count + each - 1) / each; }

}  // namespace cuda
