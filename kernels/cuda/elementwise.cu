// Element by element, version 1: a thread a number.
// Bound: bytes, each read once and written once.

#include "kernels/cuda/launch.h"

namespace {

// grid: a thread for each number
__global__ void swiglu_kernel(SwiGlu args) {
  const int64_t i = cuda::place();
  if (i >= args.y.size()) return;
  const float x = args.gate.data[i];
  args.y.data[i] = x / (1 + expf(-x)) * args.up.data[i];
}

// grid: a thread for each number
__global__ void add_kernel(Add args) {
  const int64_t i = cuda::place();
  if (i < args.y.size()) args.y.data[i] += args.x.data[i];
}

// grid: a thread for each number
__global__ void embed_kernel(Embed args) {
  const auto& [id, table, y] = args;
  const int64_t i = cuda::place(), dim = table.cols;
  if (i >= y.size()) return;
  const int64_t place = id(i / dim) * dim + i % dim;
  y.data[i] = table.type == Number::F32 ? cuda::number_at<Number::F32>(table.data, place)
                                        : cuda::number_at<Number::BF16>(table.data, place);
}

}  // namespace

void cuda::swiglu(const SwiGlu& args, Stream stream) {
  assert(args.gate.size() == args.y.size() && args.up.size() == args.y.size());
  launch(stream, swiglu_kernel, shape_of_each(args.y.size()), args);
}

void cuda::add(const Add& args, Stream stream) {
  assert(args.x.size() == args.y.size());
  launch(stream, add_kernel, shape_of_each(args.y.size()), args);
}

void cuda::embed(const Embed& args, Stream stream) {
  assert(args.table.type == Number::F32 || args.table.type == Number::BF16);
  assert(args.table.cols == args.y.extent[1]);
  launch(stream, embed_kernel, shape_of_each(args.y.size()), args);
}
