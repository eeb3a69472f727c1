// Writing into pages, version 1: a thread a number. Bound: bytes.
#include "kernels/cuda/launch.h"

namespace {

__device__ void store(Number type, unsigned char* rows, int64_t i, float x) {
  if (type == Number::F32)
    reinterpret_cast<float*>(rows)[i] = x;
  else
    reinterpret_cast<Bfloat16*>(rows)[i] = to_bfloat16(x);
}

// grid: a thread for each number
__global__ void store_latent_kernel(StoreRows args) {
  const auto& [x, page, slot, offset, format] = args;
  const int64_t width = format.width, t = cuda::place() / width, d = cuda::place() % width;
  if (t >= x.extent[0]) return;
  store(format.type, page(t) + offset, slot(t) * width + d, x(t, d));
}

// grid: a thread for each number
__global__ void store_index_key_kernel(StoreRows args) {
  const auto& [x, page, slot, offset, format] = args;
  const int64_t dim = format.width, t = cuda::place() / dim, d = cuda::place() % dim;
  if (t >= x.extent[0]) return;
  store(format.type, page(t) + offset, (d / 2 * kPageTokens + slot(t)) * 2 + d % 2, x(t, d));
}

}  // namespace

void cuda::store_latent(const StoreRows& args, Stream stream) {
  assert(args.x.extent[1] == args.format.width);
  launch(stream, store_latent_kernel, shape_of_each(args.x.size()), args);
}

void cuda::store_index_key(const StoreRows& args, Stream stream) {
  assert(args.x.extent[1] == args.format.width && args.format.width % 2 == 0);
  launch(stream, store_index_key_kernel, shape_of_each(args.x.size()), args);
}
