#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/cuda/calls.h"
#include "kernels/cuda/shape.h"

// All that the kernels' sources use of the machine: a thread's place, barriers, what a warp
// exchanges, shared memory, and launch. Under nvcc these are CUDA's own. With CUDA_EMULATION they
// come from tests/emulation, where a block's threads take turns on one thread of the processor.
#ifdef CUDA_EMULATION
#include <emulation/device.h>
#else

#include <cuda_runtime.h>

#include "kernels/cuda/check.h"

namespace cuda {
inline namespace compiled {

__device__ inline int thread() { return int(threadIdx.x); }
__device__ inline int threads() { return int(blockDim.x); }
__device__ inline int64_t block() { return blockIdx.x; }
__device__ inline void barrier() { __syncthreads(); }

template <class T>
__device__ T shuffle_xor(T x, int mask) {
  return __shfl_xor_sync(0xFFFFFFFFu, x, mask);
}
__device__ inline uint32_t ballot(bool x) { return __ballot_sync(0xFFFFFFFFu, x); }
__device__ inline void add_shared(int32_t* to, int32_t x) { atomicAdd(to, x); }

// Aligned for double and pointers. Not initialised.
__device__ inline unsigned char* shared_memory() {
  extern __shared__ double2 words[];
  return reinterpret_cast<unsigned char*>(words);
}

// Starts kernel(args...) on the stream. No blocks are no work (a launch of none is an error).
// REQUIRES: the stream's device is the thread's current one.
template <class... Parameters>
void launch(Stream stream, void (*kernel)(Parameters...), const Shape& shape,
            const Parameters&... args) {
  constexpr int64_t bytes_without_asking = 48 * 1024;
  if (shape.blocks == 0) return;
  check_shape(shape);
  if (shape.shared_bytes > bytes_without_asking)
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               int(shape.shared_bytes)),
          "asking for shared memory");
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(unsigned(shape.blocks));
  config.blockDim = dim3(unsigned(shape.threads));
  config.dynamicSmemBytes = std::size_t(shape.shared_bytes);
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, args...), "starting a kernel");
}

}  // namespace compiled
}  // namespace cuda

#endif

namespace cuda {

// One thread for each of `count`, counted by place().
inline constexpr int kThreadsOfEach = 256;
inline Shape shape_of_each(int64_t count) {
  return {.blocks = blocks_for(count, kThreadsOfEach), .threads = kThreadsOfEach};
}
__device__ inline int64_t place() { return block() * kThreadsOfEach + thread(); }

// The sum over a warp, the same bits in each of its threads: a tree whose shape never changes.
template <class T>
__device__ T warp_sum(T x) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) x += shuffle_xor(x, mask);
  return x;
}

// The largest of a warp; a NaN is no largest number.
__device__ inline float warp_most(float x) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) x = fmaxf(x, shuffle_xor(x, mask));
  return x;
}

// The sum over a block, the same bits in each of its threads. `partial`: shared, a number for each
// warp. All threads of the block call it.
__device__ inline float block_sum(float x, float* partial) {
  x = warp_sum(x);
  barrier();  // an earlier sum may still be read
  if (thread() % kWarp == 0) partial[thread() / kWarp] = x;
  barrier();
  float sum = 0;
  for (int w = 0; w < threads() / kWarp; ++w) sum += partial[w];
  return sum;
}

// The i-th number of an array of the given type.
template <Number type>
__device__ float number_at(const void* numbers, int64_t i) {
  if constexpr (type == Number::F32) return static_cast<const float*>(numbers)[i];
  if constexpr (type == Number::BF16) return to_float(static_cast<const Bfloat16*>(numbers)[i]);
  if constexpr (type == Number::FP8) return to_float(static_cast<const Float8*>(numbers)[i]);
  if constexpr (type == Number::Int8) return float(static_cast<const int8_t*>(numbers)[i]);
}

__device__ inline float rounded_to_bfloat16(float x) { return to_float(to_bfloat16(x)); }

}  // namespace cuda
