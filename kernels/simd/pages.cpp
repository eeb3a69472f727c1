#include "kernels/pages.h"

#include "kernels/quantise.h"
#include "kernels/simd/float8.h"

namespace {

Halves to_bfloat16s(Floats x) { return __builtin_convertvector(bfloat16_bits(x), Halves); }

using Bytes __attribute__((vector_size(kLanes))) = uint8_t;

// See PageFormat.
void store_record(const PageFormat& format, const float* x, unsigned char* record) {
  constexpr int64_t kTile = PageFormat::kTile;
  for (int64_t first = 0; first < format.latent; first += kTile) {
    const int64_t rest = format.latent - first, size = rest < kTile ? rest : kTile;
    const float scale =
        power_of_two_above(largest(x + first, size, SimulateFloat8::kAmaxLeast) / kFloat8Most);
    __builtin_memcpy(record + format.latent + first / kTile * 4, &scale, sizeof scale);
    for_registers(size, [&](int64_t i, int64_t count) {
      const Words bits = float8_bits(clamped(load(x + first + i, count) / scale));
      const Bytes bytes = __builtin_convertvector(bits, Bytes);
      __builtin_memcpy(record + first + i, &bytes, size_t(count));
    });
  }
  unsigned char* key = record + format.key_at();
  for_registers(format.width - format.latent, [&](int64_t d, int64_t count) {
    const Halves rounded = to_bfloat16s(load(x + format.latent + d, count));
    __builtin_memcpy(key + d * 2, &rounded, size_t(count) * 2);
  });
}

void store_row(const float* x, const PageFormat& format, unsigned char* row) {
  const int64_t width = format.width;
  if (format.type == Number::FP8) return store_record(format, x, row);
  if (format.type == Number::F32) {
    __builtin_memcpy(row, x, size_t(width) * 4);
    return;
  }
  for_registers(width, [&](int64_t d, int64_t count) {
    const Halves rounded = to_bfloat16s(load(x + d, count));
    __builtin_memcpy(row + d * 2, &rounded, size_t(count) * 2);
  });
}

// Pairs of dims stand kPageTokens pairs apart.
void store_pairs(const float* x, int64_t dim, Number type, unsigned char* column) {
  constexpr int64_t kFloatPair = 8, kBfloat16Pair = 4;  // bytes
  if (type == Number::F32) {
    for (int64_t d = 0; d < dim; d += 2)
      __builtin_memcpy(column + d / 2 * kPageTokens * kFloatPair, x + d, kFloatPair);
    return;
  }
  for_registers(dim, [&](int64_t d, int64_t count) {
    uint16_t rounded[kLanes];
    const Halves lanes = to_bfloat16s(load(x + d, count));
    __builtin_memcpy(rounded, &lanes, sizeof rounded);
    for (int64_t i = 0; i < count; i += 2)
      __builtin_memcpy(column + (d + i) / 2 * kPageTokens * kBfloat16Pair, rounded + i,
                       kBfloat16Pair);
  });
}

}  // namespace

template <>
void simd::store_latent<KERNEL_LEVEL>(const StoreRows& args, Threads& threads) {
  const int64_t width = args.x.extent[1];
  const int64_t row_bytes = args.format.row_bytes();
  assert(width == args.format.width && args.format.latent % 4 == 0);
  for_rows(threads, args.x.extent[0], width, [&](int64_t t) {
    const int32_t slot = args.slot.data[t];
    assert(0 <= slot && slot < kPageTokens);
    store_row(args.x.data + t * width, args.format,
              args.page.data[t] + args.offset + slot * row_bytes);
  });
}

template <>
void simd::store_index_key<KERNEL_LEVEL>(const StoreRows& args, Threads& threads) {
  const int64_t dim = args.x.extent[1];
  const int64_t bytes_a_pair = args.format.type == Number::F32 ? 8 : 4;
  assert(dim == args.format.width && dim % 2 == 0);
  assert(args.format.type == Number::F32 || args.format.type == Number::BF16);
  for_rows(threads, args.x.extent[0], dim, [&](int64_t t) {
    const int32_t slot = args.slot.data[t];
    assert(0 <= slot && slot < kPageTokens);
    store_pairs(args.x.data + t * dim, dim, args.format.type,
                args.page.data[t] + args.offset + slot * bytes_a_pair);
  });
}
