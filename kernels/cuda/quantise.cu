// Roundings of what is cached, version 1. Bound: bytes.
// Roundings have one right answer: simulate_float8 and round_to_bfloat16 give their twins' bits.
#include <bit>

#include "kernels/cuda/launch.h"

namespace {

constexpr int kThreads = 128;

// grid: a block for each vector, which is transformed in shared memory: log2(dim) rounds in which
// each pair (a, b) becomes (a + b, a - b).
__global__ void hadamard_kernel(Hadamard args) {
  const auto& x = args.x;
  const int64_t v = cuda::block(), dim = x.extent[1];
  float* sums = reinterpret_cast<float*>(cuda::shared_memory());
  for (int64_t i = cuda::thread(); i < dim; i += kThreads) sums[i] = x(v, i);
  for (int64_t apart = 1; apart < dim; apart *= 2) {
    cuda::barrier();
    for (int64_t i = cuda::thread(); i < dim / 2; i += kThreads) {
      const int64_t first = i / apart * 2 * apart + i % apart;
      const float a = sums[first], b = sums[first + apart];
      sums[first] = a + b;
      sums[first + apart] = a - b;
    }
  }
  cuda::barrier();
  const float scale = 1 / sqrtf(float(dim));
  for (int64_t i = cuda::thread(); i < dim; i += kThreads) x(v, i) = sums[i] * scale;
}

constexpr float kFloat8Most = 448;

// As in the twin. REQUIRES: s > 0 and normal.
__device__ float raised_to_power_of_two(float s) {
  const uint32_t bits = std::bit_cast<uint32_t>(s);
  const uint32_t exponent = (bits >> 23) + ((bits & 0x7FFFFFu) != 0 ? 1 : 0);
  return std::bit_cast<float>(exponent << 23);
}

__device__ float clamped(float x) {
  if (x > kFloat8Most) return kFloat8Most;
  if (x < -kFloat8Most) return -kFloat8Most;
  return x;  // NaN too
}

// grid: a warp for each group of numbers
__global__ void simulate_float8_kernel(SimulateFloat8 args) {
  const int64_t group = args.group;
  const int64_t g = (cuda::block() * kThreads + cuda::thread()) / cuda::kWarp;
  if (g >= args.x.size() / group) return;  // the whole warp leaves together
  float* x = args.x.data + g * group;
  const int lane = cuda::thread() % cuda::kWarp;
  float most = args.amax_least;
  for (int64_t i = lane; i < group; i += cuda::kWarp)
    if (fabsf(x[i]) > most) most = fabsf(x[i]);
  const float exact = cuda::warp_most(most) / kFloat8Most;
  const float s =
      args.scale == SimulateFloat8::Scale::PowerOfTwo ? raised_to_power_of_two(exact) : exact;
  for (int64_t i = lane; i < group; i += cuda::kWarp)
    x[i] = to_float(to_float8(clamped(x[i] / s))) * s;
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
