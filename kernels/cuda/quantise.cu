// Roundings of what is cached, version 1. Bound: bytes.
// Roundings have one right answer: simulate_float8 and round_to_bfloat16 give their twins' bits.
#include <bit>

#include "kernels/cuda/steps.h"

namespace {

constexpr int kThreads = 128;

// grid: a block for each vector, which is transformed in shared memory
__global__ void hadamard_kernel(Hadamard args) {
  const auto& x = args.x;
  const int64_t v = cuda::block(), dim = x.extent[1];
  float* sums = reinterpret_cast<float*>(cuda::shared_memory());
  for (int64_t i = cuda::thread(); i < dim; i += kThreads) sums[i] = x(v, i);
  cuda::transform_vector(sums, dim);
  for (int64_t i = cuda::thread(); i < dim; i += kThreads) x(v, i) = sums[i];
}

// grid: a warp for each group of numbers
__global__ void simulate_float8_kernel(SimulateFloat8 args) {
  const int64_t group = args.group;
  const int64_t g = (cuda::block() * kThreads + cuda::thread()) / cuda::kWarp;
  if (g >= args.x.size() / group) return;  // the whole warp leaves together
  cuda::simulate_float8_group(args.x.data + g * group, group, args.amax_least, args.scale);
}

// grid: a thread for each number
__global__ void round_to_bfloat16_kernel(RoundToBfloat16 args) {
  const int64_t i = cuda::place();
  if (i < args.x.size()) args.x.data[i] = cuda::rounded_to_bfloat16(args.x.data[i]);
}

}  // namespace

void cuda::hadamard(const Hadamard& args, Stream stream) {
  const auto [vectors, dim] = args.x.extent;
  assert(std::has_single_bit(uint64_t(dim)));
  launch(stream, hadamard_kernel,
         {.blocks = vectors, .threads = kThreads, .shared_bytes = dim * int64_t(sizeof(float))},
         args);
}

void cuda::simulate_float8(const SimulateFloat8& args, Stream stream) {
  assert(args.group > 0 && args.x.extent[1] % args.group == 0);
  const int64_t groups = args.x.size() / args.group;
  launch(stream, simulate_float8_kernel,
         {.blocks = blocks_for(groups, kThreads / kWarp), .threads = kThreads}, args);
}

void cuda::round_to_bfloat16(const RoundToBfloat16& args, Stream stream) {
  launch(stream, round_to_bfloat16_kernel, shape_of_each(args.x.size()), args);
}
