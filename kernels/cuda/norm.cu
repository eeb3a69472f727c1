// Norms, version 1: a block a row, which is read twice (layer norm: three times) and stays in the
// L1 cache. Bound: bytes.
// A sum is each thread's own over every 256th column, then a fixed tree: its order depends on dim
// alone.

#include "kernels/cuda/launch.h"

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
  float squares = 0;
  for (int64_t c = cuda::thread(); c < dim; c += kThreads)
    squares = fmaf(x(t, c), x(t, c), squares);
  squares = cuda::block_sum(squares, partial);
  const float scale = 1 / sqrtf(squares / float(dim) + epsilon);
  for (int64_t c = cuda::thread(); c < dim; c += kThreads) y(t, c) = x(t, c) * scale * weight(c);
}

// grid: a block for each row
__global__ void layer_norm_kernel(LayerNorm args) {
  const auto& [x, weight, bias, epsilon, y] = args;
  const int64_t t = cuda::block(), dim = x.extent[1];
  float* partial = reinterpret_cast<float*>(cuda::shared_memory());
  float sum = 0;
  for (int64_t c = cuda::thread(); c < dim; c += kThreads) sum += x(t, c);
  const float mean = cuda::block_sum(sum, partial) / float(dim);
  float squares = 0;
  for (int64_t c = cuda::thread(); c < dim; c += kThreads)
    squares = fmaf(x(t, c) - mean, x(t, c) - mean, squares);
  squares = cuda::block_sum(squares, partial);
  const float scale = 1 / sqrtf(squares / float(dim) + epsilon);
  for (int64_t c = cuda::thread(); c < dim; c += kThreads)
    y(t, c) = fmaf((x(t, c) - mean) * scale, weight(c), bias(c));
}

}  // namespace

void cuda::rms_norm(const RmsNorm& args, Stream stream) {
  launch(stream, rms_norm_kernel, shape_of_rows(args.x.extent[0]), args);
}

void cuda::layer_norm(const LayerNorm& args, Stream stream) {
  launch(stream, layer_norm_kernel, shape_of_rows(args.x.extent[0]), args);
}
