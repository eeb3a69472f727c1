#pragma once

#include "kernels/number.h"
#include "kernels/simd/vector.h"

// Private to kernels/simd: rounding to float8 with a scale for a group (kernels/number.h).
// Roundings have one right answer: these are the twins' bits.
namespace {

// The largest magnitude, at least `least`; a NaN is none.
inline float largest(const float* x, int64_t count, float least) {
  Floats most = all(least);
  for_registers(count, [&](int64_t i, int64_t n) {
    const Floats magnitude = (Floats)((Words)load(x + i, n) & 0x7FFFFFFFu);
    most = magnitude > most ? magnitude : most;  // false for NaN
  });
  float of_lanes = least;
  for (int lane = 0; lane < kLanes; ++lane)
    if (most[lane] > of_lanes) of_lanes = most[lane];
  return of_lanes;
}

// raised_to_power_of_two, with internal linkage.
inline float power_of_two_above(float s) {
  uint32_t bits = 0;
  __builtin_memcpy(&bits, &s, sizeof bits);
  bits = ((bits >> 23) + ((bits & 0x7FFFFFu) != 0 ? 1 : 0)) << 23;
  __builtin_memcpy(&s, &bits, sizeof s);
  return s;
}

inline Floats clamped(Floats x) {
  const Floats most = all(kFloat8Most);
  x = x > most ? most : x;
  return x < -most ? -most : x;
}

// Below 2^-6 float8 numbers are multiples of 2^-9, the unit of 2^14's last place.
constexpr uint32_t kLeastNormalFloat8 = 0x3C800000u;
inline Words small_shifted(Words magnitude) { return (Words)((Floats)magnitude + 0x1p14f); }

inline Words rounded_to_3_bits(Words magnitude) {
  return magnitude + 0x7FFFFu + ((magnitude >> 20) & 1u);
}

// x to the nearest e4m3 number, ties to even. REQUIRES: |x| <= 448, or NaN.
inline Floats rounded_to_float8(Floats x) {
  const Words sign = (Words)x & 0x80000000u, magnitude = (Words)x & 0x7FFFFFFFu;
  const Words normal = rounded_to_3_bits(magnitude) & ~0xFFFFFu;
  const Words small = (Words)((Floats)small_shifted(magnitude) - 0x1p14f);
  const Words rounded = magnitude < kLeastNormalFloat8 ? small : normal;
  const Words nan = Words{} + 0x7FC00000u;
  return (Floats)(sign | (magnitude > 0x7F800000u ? nan : rounded));
}

// The same number's bits as float8, in the lowest bytes.
inline Words float8_bits(Floats x) {
  const Words sign = ((Words)x >> 24) & 0x80u, magnitude = (Words)x & 0x7FFFFFFFu;
  const Words normal = (rounded_to_3_bits(magnitude) >> 20) - (120u << 3);
  const Words small = small_shifted(magnitude) & 0xFFu;
  const Words rounded = magnitude < kLeastNormalFloat8 ? small : normal;
  const Words nan = Words{} + 0x7Fu;
  return sign | (magnitude > 0x7F800000u ? nan : rounded);
}

}  // namespace
