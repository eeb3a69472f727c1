// From linear layers to pages, version 1: a block a vector, which stays in shared memory from step
// to step. Bound: bytes, each number read once and written twice; launches in a decode step.
// The steps are those of the separate kernels, so the bits are theirs.

#include <bit>

#include "kernels/cuda/steps.h"

namespace {

constexpr int kThreads = 256;  // as norm.cu: a sum's order depends on how many there are
constexpr int kWarps = kThreads / cuda::kWarp;

int64_t shared_bytes(int64_t dim) { return (dim + kWarps) * int64_t(sizeof(float)); }

// Shared by the block.
struct Scratch {
  float* partial;  // [kWarps]
  float* x;        // [dim]
};

__device__ Scratch scratch() {
  float* partial = reinterpret_cast<float*>(cuda::shared_memory());
  return {partial, partial + kWarps};
}

__device__ void turn_first(const Turn& turn, int64_t t, float* x) {
  for (int64_t i = cuda::thread(); i < turn.dim / 2; i += kThreads)
    cuda::turn_pair(x, turn.dim, i, turn.pairs, turn.table(turn.position(t), i, 0),
                    turn.table(turn.position(t), i, 1));
}

// What has one scale is a warp's work.
__device__ void simulate_float8(float* x, int64_t groups, int64_t group) {
  for (int64_t g = cuda::thread() / cuda::kWarp; g < groups; g += kWarps)
    cuda::simulate_float8_group(x + g * group, group, SimulateFloat8::kAmaxLeast,
                                SimulateFloat8::Scale::PowerOfTwo);
}

// x is written by any thread before, and read by any thread after.
__device__ void turn_index_vector(const Turn& turn, CacheNumerics numerics, int64_t t, float* x,
                                  int64_t dim) {
  cuda::barrier();
  turn_first(turn, t, x);
  cuda::barrier();
  if (numerics == CacheNumerics::Plain) return;
  for (int64_t i = cuda::thread(); i < dim; i += kThreads) x[i] = cuda::rounded_to_bfloat16(x[i]);
  cuda::transform_vector(x, dim);
  cuda::barrier();
  simulate_float8(x, 1, dim);
  cuda::barrier();
}

// grid: a block for each token   shared: Scratch
__global__ void index_key_front_kernel(IndexKeyFront args) {
  const int64_t t = cuda::block(), dim = args.x.extent[1];
  const auto [partial, x] = scratch();
  cuda::layer_norm_vector(args.x[t].data, dim, args.weight.data, args.bias.data, args.epsilon,
                          partial, x);
  turn_index_vector(args.turn, args.numerics, t, x, dim);
  unsigned char* keys = args.page(t) + args.offset;
  for (int64_t d = cuda::thread(); d < dim; d += kThreads) {
    args.x(t, d) = x[d];
    cuda::store_number(args.format.type, keys, cuda::index_key_place(args.slot(t), d), x[d]);
  }
}

// grid: a block for each token and head   shared: Scratch
__global__ void index_query_front_kernel(IndexQueryFront args) {
  const auto [tokens, heads, dim] = args.x.extent;
  const int64_t t = cuda::block() / heads, h = cuda::block() % heads;
  float* x = scratch().x;
  for (int64_t d = cuda::thread(); d < dim; d += kThreads) x[d] = args.x(t, h, d);
  turn_index_vector(args.turn, args.numerics, t, x, dim);
  for (int64_t d = cuda::thread(); d < dim; d += kThreads) args.x(t, h, d) = x[d];
}

// grid: a block for each token   shared: Scratch
__global__ void latent_front_kernel(LatentFront args) {
  const int64_t t = cuda::block(), latent = args.latent.extent[1], rope = args.key.extent[1];
  const auto [partial, x] = scratch();
  cuda::rms_norm_vector(args.latent[t].data, latent, args.weight.data, args.epsilon, partial, x);
  for (int64_t i = cuda::thread(); i < rope; i += kThreads) x[latent + i] = args.key(t, i);
  cuda::barrier();
  if (args.numerics == CacheNumerics::Published)
    simulate_float8(x, latent / args.group(), args.group());
  turn_first(args.turn, t, x + latent);
  cuda::barrier();
  for (int64_t d = cuda::thread(); d < latent + rope; d += kThreads) args.stored(t, d) = x[d];
  cuda::store_latent_row(args.format, x,
                         args.page(t) + args.offset + args.slot(t) * args.format.row_bytes());
}

}  // namespace

void cuda::index_key_front(const IndexKeyFront& args, Stream stream) {
  const auto [tokens, dim] = args.x.extent;
  assert(dim == args.format.width && dim % 2 == 0 && args.turn.dim <= dim);
  assert(args.numerics == CacheNumerics::Plain || std::has_single_bit(uint64_t(dim)));
  launch(stream, index_key_front_kernel,
         {.blocks = tokens, .threads = kThreads, .shared_bytes = shared_bytes(dim)}, args);
}

void cuda::index_query_front(const IndexQueryFront& args, Stream stream) {
  const auto [tokens, heads, dim] = args.x.extent;
  assert(args.turn.dim <= dim);
  assert(args.numerics == CacheNumerics::Plain || std::has_single_bit(uint64_t(dim)));
  launch(stream, index_query_front_kernel,
         {.blocks = tokens * heads, .threads = kThreads, .shared_bytes = shared_bytes(dim)}, args);
}

void cuda::latent_front(const LatentFront& args, Stream stream) {
  const int64_t width = args.latent.extent[1] + args.key.extent[1];
  assert(width == args.format.width && args.turn.dim == args.key.extent[1]);
  launch(
      stream, latent_front_kernel,
      {.blocks = args.latent.extent[0], .threads = kThreads, .shared_bytes = shared_bytes(width)},
      args);
}
