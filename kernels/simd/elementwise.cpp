#include "kernels/elementwise.h"

#include "kernels/simd/vector.h"

template <>
void simd::swiglu<KERNEL_LEVEL>(const SwiGlu& args, Threads& threads) {
  const int64_t dim = args.y.extent[1];
  for_rows(threads, args.y.extent[0], dim, [&](int64_t t) {
    const float *gate = args.gate.data + t * dim, *up = args.up.data + t * dim;
    float* y = args.y.data + t * dim;
    for_registers(dim, [&](int64_t c, int64_t count) {
      const Floats x = load(gate + c, count);
      store(y + c, x / (exponential(-x) + 1.f) * load(up + c, count), count);
    });
  });
}

template <>
void simd::add<KERNEL_LEVEL>(const Add& args, Threads& threads) {
  const int64_t dim = args.y.extent[1];
  for_rows(threads, args.y.extent[0], dim, [&](int64_t t) {
    const float* x = args.x.data + t * dim;
    float* y = args.y.data + t * dim;
    for_registers(dim, [&](int64_t c, int64_t count) {
      store(y + c, load(y + c, count) + load(x + c, count), count);
    });
  });
}
