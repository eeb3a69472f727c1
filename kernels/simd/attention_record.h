#pragma once

#include "kernels/number.h"
#include "kernels/pages.h"
#include "kernels/simd/lanes.h"

// Latent records decoded to bfloat16 rows, exactly (PageFormat says why).
namespace {

using Bytes __attribute__((vector_size(kLanes))) = uint8_t;
using Halves __attribute__((vector_size(kLanes * 2))) = uint16_t;
using Words __attribute__((vector_size(kLanes * 4))) = uint32_t;
using Singles __attribute__((vector_size(kLanes * 4))) = float;

// The bits of numbers with one scale as bfloat16.
inline Halves decoded(Bytes bytes, float scale) {
  const Words word = __builtin_convertvector(bytes, Words), magnitude = word & 0x7Fu;
  // Exponent and mantissa where a float has them are the number times 2^-120, subnormals too.
  const Singles x = (Singles)(magnitude << 20) * 0x1p120f * scale;
  const Words number = magnitude == 0x7Fu ? Words{} + 0x7FC0u : (Words)x >> 16;
  return __builtin_convertvector(number | (word & 0x80u) << 8, Halves);
}

// Whole registers first: a copy of so many bytes as are left is a call.
inline void decode_tile(const unsigned char* from, int64_t count, float scale, uint16_t* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Bytes bytes;
    __builtin_memcpy(&bytes, from + i, sizeof bytes);
    const Halves halves = decoded(bytes, scale);
    __builtin_memcpy(to + i, &halves, sizeof halves);
  }
  if (i == count) return;
  Bytes bytes = {};
  __builtin_memcpy(&bytes, from + i, std::size_t(count - i));
  const Halves halves = decoded(bytes, scale);
  __builtin_memcpy(to + i, &halves, std::size_t(count - i) * sizeof *to);
}

inline void decode_record(const PageFormat& format, const unsigned char* record, uint16_t* row) {
  constexpr int64_t scaled = PageFormat::kTile;  // together
  for (int64_t first = 0; first < format.latent; first += scaled) {
    const int64_t rest = format.latent - first;
    float scale = 0;
    __builtin_memcpy(&scale, record + format.latent + first / scaled * int64_t(sizeof scale),
                     sizeof scale);
    decode_tile(record + first, rest < scaled ? rest : scaled, scale, row + first);
  }
  __builtin_memcpy(row + format.latent, record + format.key_at(),
                   std::size_t(format.width - format.latent) * sizeof *row);
}

}  // namespace
