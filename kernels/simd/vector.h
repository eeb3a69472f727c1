#pragma once

#include <immintrin.h>

#include <cstdint>
#include <utility>

#include "kernels/threads.h"

// Private to kernels/simd: a register of floats, and what several kernels do with it.
//
// The files of this folder are compiled once per level of instructions, and the linker keeps one
// copy of every shared inline function: it must not be one that the processor cannot run. So all of
// this has internal linkage, and the kernels call neither View's members nor the standard library's
// templates.

namespace {

#if defined(__AVX512F__)
constexpr int64_t kLanes = 16;
#else
constexpr int64_t kLanes = 8;
#endif

using Floats __attribute__((vector_size(kLanes * 4))) = float;
using Words __attribute__((vector_size(kLanes * 4))) = uint32_t;
using Integers __attribute__((vector_size(kLanes * 4))) = int32_t;
using Halves __attribute__((vector_size(kLanes * 2))) = uint16_t;
using Doubles __attribute__((vector_size(kLanes * 4))) = double;  // half as many
using LaneNumbers = std::make_integer_sequence<int, int(kLanes)>;

// Work that is shared between threads is cut in pieces of at least so many numbers.
constexpr int64_t kNumbersATask = 1 << 14;

// Calls body(row) for each row, in pieces whose bounds no row's result depends on.
template <class Body>
inline void for_rows(Threads& threads, int64_t rows, int64_t numbers_a_row, const Body& body) {
  int64_t rows_a_task = 1;
  if (numbers_a_row < kNumbersATask)
    rows_a_task = kNumbersATask / (numbers_a_row > 0 ? numbers_a_row : 1);
  const int64_t tasks = (rows + rows_a_task - 1) / rows_a_task;
  if (tasks <= 1) {
    for (int64_t row = 0; row < rows; ++row) body(row);
    return;
  }
  threads.run(tasks, [&](int64_t task) {
    const int64_t first = task * rows_a_task, rest = rows - first;
    const int64_t end = first + (rest < rows_a_task ? rest : rows_a_task);
    for (int64_t row = first; row < end; ++row) body(row);
  });
}

// Calls body(i, count) for the numbers i ... i + count - 1 of n: full registers, then the rest.
template <class Body>
inline void for_registers(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, kLanes);
  if (i < n) body(i, n - i);
}

inline Floats all(float x) {
#if defined(__AVX512F__)
  return _mm512_set1_ps(x);
#else
  return _mm256_set1_ps(x);
#endif
}

inline Integers lane_numbers() {
  Integers lanes = {};
  for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = lane;
  return lanes;
}

// The first `count` lanes; the others are 0 and not read.
inline Floats load(const float* x, int64_t count) {
  if (count >= kLanes) {
    Floats full;
    __builtin_memcpy(&full, x, sizeof full);
    return full;
  }
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), x);
#else
  return _mm256_maskload_ps(x, (__m256i)(lane_numbers() < int32_t(count)));
#endif
}

inline void store(float* y, Floats x, int64_t count) {
  if (count >= kLanes) {
    __builtin_memcpy(y, &x, sizeof x);
    return;
  }
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(y, __mmask16((1u << count) - 1), x);
#else
  _mm256_maskstore_ps(y, (__m256i)(lane_numbers() < int32_t(count)), x);
#endif
}

inline Floats fused(Floats a, Floats b, Floats c) {  // a * b + c
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#else
  return _mm256_fmadd_ps(a, b, c);
#endif
}

// To the nearest integer, ties to even.
inline Integers nearest(Floats x) {
#if defined(__AVX512F__)
  return (Integers)_mm512_cvtps_epi32(x);
#else
  return (Integers)_mm256_cvtps_epi32(x);
#endif
}

inline float sum_of_lanes(Floats x) {
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += x[lane];
  return sum;
}

// e^x within 2 units in the last place; inf and 0 beyond the range of float; NaN for NaN.
//
// x = n ln 2 + r with |r| <= ln 2 / 2, e^x = 2^n e^r. e^r is Cephes' polynomial (expf.c). ln 2 is
// split in two so that n times its upper part is exact, and 2^n in two so that each is a float.
inline Floats exponential(Floats x) {
  const Floats most = all(89), least = all(-104);
  x = x > most ? most : x;
  x = x < least ? least : x;
  const Integers n = nearest(x * all(1.44269504088896341f));
  const Floats n_float = __builtin_convertvector(n, Floats);
  Floats r = fused(n_float, all(-0.693359375f), x);
  r = fused(n_float, all(2.12194440e-4f), r);

  Floats p = all(1.9875691500e-4f);
  p = fused(p, r, all(1.3981999507e-3f));
  p = fused(p, r, all(8.3334519073e-3f));
  p = fused(p, r, all(4.1665795894e-2f));
  p = fused(p, r, all(1.6666665459e-1f));
  p = fused(p, r, all(5.0000001201e-1f));
  p = fused(p, r * r, r) + 1.f;

  const Integers half = n >> 1;
  return p * (Floats)((half + 127) << 23) * (Floats)((n - half + 127) << 23);
}

// The bits of x rounded to bfloat16, in the lower halves (kernels/number.h). The processor's own
// conversion would flush subnormals.
inline Words bfloat16_bits(Floats x) {
  const Words bits = (Words)x;
  const Words rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return (bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits >> 16) | 0x40u : rounded;
}

}  // namespace
