// Moving and scaling, version 1: a thread a number.
// Bound: bytes, each read once and written once.
#include "kernels/cuda/launch.h"

namespace {

// grid: a thread for each number moved
__global__ void copy_columns_kernel(CopyColumns args) {
  const auto& [x, y, from, to, count] = args;
  const int64_t i = cuda::place();
  if (i >= x.extent[0] * count) return;
  y(i / count, to + i % count) = x(i / count, from + i % count);
}

// grid: a thread for each number
__global__ void scale_kernel(Scale args) {
  const int64_t i = cuda::place();
  if (i >= args.y.size()) return;
  float* y = args.y.data + i;
  *y = args.factor == 0 ? 0 : *y * args.factor;
}

}  // namespace

void cuda::copy_columns(const CopyColumns& args, Stream stream) {
  const auto& [x, y, from, to, count] = args;
  assert(x.extent[0] == y.extent[0] && from + count <= x.extent[1] && to + count <= y.extent[1]);
  launch(stream, copy_columns_kernel, shape_of_each(x.extent[0] * count), args);
}

void cuda::scale(const Scale& args, Stream stream) {
  launch(stream, scale_kernel, shape_of_each(args.y.size()), args);
}
