// Writing into pages, version 1: a thread a number, a block a row. Bound: bytes.
#include "kernels/cuda/steps.h"

namespace {

constexpr int kThreads = 128;

// grid: a block for each row
__global__ void store_latent_kernel(StoreRows args) {
  const auto& [x, page, slot, offset, format] = args;
  const int64_t t = cuda::block();
  cuda::store_latent_row(format, x[t].data, page(t) + offset + slot(t) * format.row_bytes());
}

// grid: a thread for each number
__global__ void store_index_key_kernel(StoreRows args) {
  const auto& [x, page, slot, offset, format] = args;
  const int64_t dim = format.width, t = cuda::place() / dim, d = cuda::place() % dim;
  if (t >= x.extent[0]) return;
  cuda::store_number(format.type, page(t) + offset, cuda::index_key_place(slot(t), d), x(t, d));
}

}  // namespace

void cuda::store_latent(const StoreRows& args, Stream stream) {
  assert(args.x.extent[1] == args.format.width);
  launch(stream, store_latent_kernel, {.blocks = args.x.extent[0], .threads = kThreads}, args);
}

void cuda::store_index_key(const StoreRows& args, Stream stream) {
  assert(args.x.extent[1] == args.format.width && args.format.width % 2 == 0);
  launch(stream, store_index_key_kernel, shape_of_each(args.x.size()), args);
}
