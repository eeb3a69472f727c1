#include "kernels/pages.h"

#include "kernels/simd/vector.h"

namespace {

Halves to_bfloat16s(Floats x) { return __builtin_convertvector(bfloat16_bits(x), Halves); }

void store_row(const float* x, int64_t width, Number type, unsigned char* row) {
  if (type == Number::F32) {
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
  const int64_t bytes_a_number = args.format.type == Number::F32 ? 4 : 2;
  assert(width == args.format.width);
  assert(args.format.type == Number::F32 || args.format.type == Number::BF16);
  for_rows(threads, args.x.extent[0], width, [&](int64_t t) {
    const int32_t slot = args.slot.data[t];
    assert(0 <= slot && slot < kPageTokens);
    store_row(args.x.data + t * width, width, args.format.type,
              args.page.data[t] + args.offset + slot * width * bytes_a_number);
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
