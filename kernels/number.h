#pragma once

#include <bit>
#include <cstdint>

#include "kernels/view.h"

// How a number is stored. All arithmetic between kernels is on float.
enum class Number : uint8_t {
  F32,
  BF16,  // the upper half of a float
  FP8,   // e4m3fn: 4 exponent bits (bias 7), 3 mantissa bits, largest 448, 0x7F and 0xFF are NaN
  Int8,  // -127 ... 127, always with scales
};

constexpr int64_t bytes_of(Number type) {
  switch (type) {
    case Number::F32:
      return 4;
    case Number::BF16:
      return 2;
    case Number::FP8:
    case Number::Int8:
      return 1;
  }
  return 0;
}

struct Bfloat16 {
  uint16_t bits = 0;
};
struct Float8 {
  uint8_t bits = 0;
};

HOST_DEVICE constexpr float to_float(Bfloat16 x) {
  return std::bit_cast<float>(uint32_t(x.bits) << 16);
}

// To the nearest, ties to even; NaN stays NaN. Subnormals are kept.
HOST_DEVICE constexpr Bfloat16 to_bfloat16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return {uint16_t((bits >> 16) | 0x40u)};
  return {uint16_t((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16)};
}

HOST_DEVICE constexpr float to_float(Float8 x) {
  const uint32_t sign = uint32_t(x.bits & 0x80u) << 24;
  const uint32_t exponent = (x.bits >> 3) & 0xFu, mantissa = x.bits & 7u;
  if (exponent == 0xFu && mantissa == 7u) return std::bit_cast<float>(sign | 0x7FC00000u);
  if (exponent == 0) {  // mantissa * 2^-9
    const float magnitude = float(mantissa) * 0x1p-9f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 120u) << 23) | (mantissa << 20));
}

// To the nearest, ties to even. REQUIRES: |x| <= 448 (callers clamp), or NaN.
HOST_DEVICE constexpr Float8 to_float8(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint8_t sign = uint8_t((bits >> 24) & 0x80u);
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return {uint8_t(sign | 0x7Fu)};
  if (magnitude < 0x3C800000u) {  // below 2^-6: multiples of 2^-9
    // Adding 2^14 leaves a unit of 2^-9 in the last place, so that the addition rounds for us.
    const float shifted = std::bit_cast<float>(magnitude) + 0x1p14f;
    return {uint8_t(sign | (std::bit_cast<uint32_t>(shifted) & 0xFFu))};
  }
  const uint32_t rounded = magnitude + 0x7FFFFu + ((magnitude >> 20) & 1u);
  return {uint8_t(sign | ((rounded >> 20) - (120u << 3)))};
}

inline constexpr float kFloat8Most = 448;

// What to_float8 takes; a NaN stays one.
HOST_DEVICE constexpr float clamped_to_float8(float x) {
  if (x > kFloat8Most) return kFloat8Most;
  if (x < -kFloat8Most) return -kFloat8Most;
  return x;
}

// The least power of two that is not below s: its exponent, plus one if any bit of the mantissa is
// set (fast_log2_ceil in DeepSeek's kernel.py). REQUIRES: s > 0 and normal, or infinite.
HOST_DEVICE constexpr float raised_to_power_of_two(float s) {
  const uint32_t bits = std::bit_cast<uint32_t>(s);
  const uint32_t exponent = (bits >> 23) + ((bits & 0x7FFFFFu) != 0 ? 1 : 0);
  return std::bit_cast<float>(exponent << 23);
}
