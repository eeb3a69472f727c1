#include "kernels/pages.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/quantise.h"

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

// See PageFormat. A NaN is no largest number; an infinite one makes the scale infinite, and so all
// of its tile NaN.
float scale_of(View<const float, 1> tile) {
  float most = SimulateFloat8::kAmaxLeast;
  for (int64_t i = 0; i < tile.extent[0]; ++i)
    if (std::fabs(tile(i)) > most) most = std::fabs(tile(i));
  return raised_to_power_of_two(most / kFloat8Most);
}

void store_record(const PageFormat& format, View<const float, 1> x, unsigned char* record) {
  for (int64_t tile = 0; tile < format.tiles(); ++tile) {
    const int64_t first = tile * PageFormat::kTile;
    const int64_t count = std::min(int64_t(PageFormat::kTile), format.latent - first);
    const float scale = scale_of(x.part(first, count));
    std::memcpy(record + format.latent + tile * int64_t(sizeof scale), &scale, sizeof scale);
    for (int64_t d = first; d < first + count; ++d)
      record[d] = to_float8(clamped_to_float8(x(d) / scale)).bits;
  }
  for (int64_t d = format.latent; d < format.width; ++d)
    store(Number::BF16, record + format.key_at(), d - format.latent, x(d));
}

}  // namespace

void cpu::store_latent(const StoreRows& args) {
  const auto& [x, page, slot, offset, format] = args;
  const auto [tokens, width] = x.extent;
  assert(width == format.width && format.latent % 4 == 0);
  for (int64_t t = 0; t < tokens; ++t) {
    assert(0 <= slot(t) && slot(t) < kPageTokens);
    unsigned char* row = page(t) + offset + slot(t) * format.row_bytes();
    if (format.type == Number::FP8) {
      store_record(format, x[t], row);
    } else {
      for (int64_t d = 0; d < width; ++d) store(format.type, row, d, x(t, d));
    }
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
