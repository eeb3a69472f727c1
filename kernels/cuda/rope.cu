// Rotary positions, version 1: a thread a pair. Bound: bytes.

#include "kernels/cuda/steps.h"

namespace {

// grid: a thread for each pair that turns
__global__ void rope_kernel(Rope args) {
  const auto& [x, first, dim, position, table, pairs] = args;
  const int64_t half = dim / 2, heads = x.extent[1], i = cuda::place() % half;
  const int64_t head = cuda::place() / half, t = head / heads, h = head % heads;
  if (t >= x.extent[0]) return;
  cuda::turn_pair(x[t][h].data + first, dim, i, pairs, table(position(t), i, 0),
                  table(position(t), i, 1));
}

}  // namespace

void cuda::rope(const Rope& args, Stream stream) {
  assert(args.dim % 2 == 0 && args.first + args.dim <= args.x.extent[2]);
  const int64_t pairs = args.x.extent[0] * args.x.extent[1] * (args.dim / 2);
  launch(stream, rope_kernel, shape_of_each(pairs), args);
}
