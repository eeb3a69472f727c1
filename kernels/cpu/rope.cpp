#include "kernels/rope.h"

void cpu::rope(const Rope& args) {
  const auto& [x, first, dim, position, table, pairs] = args;
  const auto [tokens, heads, width] = x.extent;
  assert(dim % 2 == 0 && first + dim <= width);
  const bool interleaved = pairs == RopePairs::Interleaved;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < dim / 2; ++i) {
        const double cos = table(position(t), i, 0), sin = table(position(t), i, 1);
        float& a = x(t, h, first + (interleaved ? 2 * i : i));
        float& b = x(t, h, first + (interleaved ? 2 * i + 1 : i + dim / 2));
        const double turned_a = a * cos - b * sin, turned_b = b * cos + a * sin;
        a = float(turned_a);
        b = float(turned_b);
      }
    }
  }
}
