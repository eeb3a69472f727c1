#pragma once

#include <cstdint>
#include <cstring>
#include <functional>

#include "kernels/cuda/calls.h"
#include "kernels/cuda/shape.h"

// The machine that kernels/cuda/launch.h asks for, on the processor. The blocks of a launch run one
// after the other, the threads of a block take turns: one runs until it waits at a barrier or for
// its warp. What real cards leave open is caught where it can be:
//  - threads that wait at different places, or for one that has ended, are an error;
//  - threads and blocks run in either order (Order), so that a missing barrier shows as a
//    difference;
//  - shared memory holds NaN at first and ends where the launch said.
#define __global__
#define __device__
#define __host__

namespace emulation {

// Where the running thread is.
struct Here {
  int thread = 0;
  int threads = 0;
  int64_t block = 0;
  unsigned char* shared = nullptr;
};
extern thread_local constinit Here here;

void wait_for_block();

// Waits until all threads of the warp have come with a value; returns the values of all. They stay
// until the thread comes again.
const uint64_t* gather_warp(uint64_t value);

void launch(Stream& stream, const cuda::Shape& shape, std::function<void()> thread);

}  // namespace emulation

namespace cuda {
inline namespace emulated {

inline int thread() { return emulation::here.thread; }
inline int threads() { return emulation::here.threads; }
inline int64_t block() { return emulation::here.block; }
inline void barrier() { emulation::wait_for_block(); }

template <class T>
T shuffle_xor(T x, int mask) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &x, sizeof x);
  const uint64_t* warp = emulation::gather_warp(bits);
  std::memcpy(&x, &warp[(thread() % kWarp) ^ mask], sizeof x);
  return x;
}

inline uint32_t ballot(bool x) {
  const uint64_t* warp = emulation::gather_warp(x ? 1 : 0);
  uint32_t bits = 0;
  for (int lane = 0; lane < kWarp; ++lane) bits |= uint32_t(warp[lane]) << lane;
  return bits;
}

inline void add_shared(int32_t* to, int32_t x) { *to += x; }
inline unsigned char* shared_memory() { return emulation::here.shared; }

template <class... Parameters>
void launch(Stream stream, void (*kernel)(Parameters...), const Shape& shape,
            const Parameters&... args) {
  emulation::launch(*stream, shape, [kernel, args...] { kernel(args...); });
}

}  // namespace emulated
}  // namespace cuda
