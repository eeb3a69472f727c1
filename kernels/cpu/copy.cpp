#include "kernels/copy.h"

#include <cstring>

void cpu::copy_columns(const CopyColumns& args) {
  const auto& [x, y, from, to, count] = args;
  assert(x.extent[0] == y.extent[0] && from + count <= x.extent[1] && to + count <= y.extent[1]);
  for (int64_t i = 0; i < x.extent[0]; ++i)
    std::memcpy(y.data + i * y.extent[1] + to, x.data + i * x.extent[1] + from,
                std::size_t(count) * sizeof(float));
}

void cpu::scale(const Scale& args) {
  float* y = args.y.data;
  for (int64_t i = 0; i < args.y.size(); ++i) y[i] = args.factor == 0 ? 0 : y[i] * args.factor;
}
