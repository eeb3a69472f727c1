// Norms, version 1: a block a row, which is read twice (layer norm: three times) and stays in the
// L1 cache. Bound: bytes.
// A sum is each thread's own over every 256th column, then a fixed tree: its order depends on dim
// alone.

#include "kernels/cuda/steps.h"

namespace {

constexpr int kThreads = 256;
constexpr cuda::Shape shape_of_rows(int64_t rows) {
  return {.blocks = rows,
          .threads = kThreads,
          .shared_bytes = kThreads / cuda::kWarp * int64_t(sizeof(float))};
}

// grid: a block for each row
__global__ void rms_norm_kernel(RmsNorm args) {
  const auto& [x, weight, epsilon, y] = args;
  const int64_t t = cuda::block(), dim = x.extent[1];
  float* partial = reinterpret_cast<float*>(cuda::shared_memory());
  cuda::rms_norm_vector(x[t].data, dim, weight.data, epsilon, partial, y[t].data);
}

// grid: a block for each row
__global__ void layer_norm_kernel(LayerNorm args) {
  const auto& [x, weight, bias, epsilon, y] = args;
  const int64_t t = cuda::block(), dim = x.extent[1];
  float* partial = reinterpret_cast<float*>(cuda::shared_memory());
  cuda::layer_norm_vector(x[t].data, dim, weight.data, bias.data, epsilon, partial, y[t].data);
}

}  // namespace

void cuda::rms_norm(const RmsNorm& args, Stream stream) {
  launch(stream, rms_norm_kernel, shape_of_rows(args.x.extent[0]), args);
}

void cuda::layer_norm(const LayerNorm& args, Stream stream) {
  launch(stream, layer_norm_kernel, shape_of_rows(args.x.extent[0]), args);
}
