#include "kernels/pages.h"

#include <cstring>

namespace {

// The i-th number of a layer's rows or keys.
void store(Number type, unsigned char* rows, int64_t i, float x) {
  assert(type == Number::F32 || type == Number::BF16);
  if (type == Number::F32) {
    std::memcpy(rows + i * bytes_of(type), &x, sizeof x);
  } else {
    const Bfloat16 rounded = to_bfloat16(x);
    std::memcpy(rows + i * bytes_of(type), &rounded, sizeof rounded);
  }
}

}  // namespace

void cpu::store_latent(const StoreRows& args) {
  const auto& [x, page, slot, offset, format] = args;
  const auto [tokens, width] = x.extent;
  assert(width == format.width);
  for (int64_t t = 0; t < tokens; ++t) {
    assert(0 <= slot(t) && slot(t) < kPageTokens);
    for (int64_t d = 0; d < width; ++d)
      store(format.type, page(t) + offset, slot(t) * width + d, x(t, d));
  }
}

void cpu::store_index_key(const StoreRows& args) {
  const auto& [x, page, slot, offset, format] = args;
  const auto [tokens, dim] = x.extent;
  assert(dim == format.width && dim % 2 == 0);
  for (int64_t t = 0; t < tokens; ++t) {
    assert(0 <= slot(t) && slot(t) < kPageTokens);
    for (int64_t d = 0; d < dim; ++d)
      store(format.type, page(t) + offset, (d / 2 * kPageTokens + slot(t)) * 2 + d % 2, x(t, d));
  }
}
