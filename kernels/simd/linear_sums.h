#pragma once

#include "kernels/simd/linear_products.h"

// The running sums of a tile (some tokens by a group of rows of W), one register for each output,
// and the one tree in which a register's lanes are added up at the end.
#if defined(__AVX512BF16__)

#include "kernels/simd/intrinsics.h"

namespace {

[[gnu::always_inline]] inline __m512 dot_pairs(__m512 sum, __m512i x, __m512i w) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(w));
}

// A tile's running sums: [token][row of the group].
template <int tokens>
struct Sums {
  __m512 at[tokens][kGroupRows];
};

template <int tokens>
[[gnu::always_inline]] inline void clear(Sums<tokens>& sums) {
#pragma GCC unroll 8
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j) sums.at[i][j] = _mm512_setzero_ps();
}

template <int tokens>
[[gnu::always_inline]] inline void add_scaled(Sums<tokens>& total, const Sums<tokens>& part,
                                              const float* const* scale, int64_t block) {
#pragma GCC unroll 4
  for (int j = 0; j < kGroupRows; ++j) {
    const __m512 factor = _mm512_set1_ps(scale[j][block]);
#pragma GCC unroll 8
    for (int i = 0; i < tokens; ++i)
      total.at[i][j] = _mm512_fmadd_ps(part.at[i][j], factor, total.at[i][j]);
  }
}

// Sums of the lanes, two registers at a time: (i, i + 8), then (i, i + 4), (i, i + 2), (i, i + 1).
inline __m512 fold_8(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
}
inline __m512 fold_4(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}
inline __m512 fold_2(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xEE));
}
inline __m512 fold_1(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
}

// Where a tile's results go: [tokens][stride], `count` numbers of each row.
struct Output {
  float* y;
  int64_t stride;
  int64_t count;
};

// Four tokens at most: their sums' trees are folded together, and come out side by side.
template <int tokens, int first>
[[gnu::always_inline]] inline void store_four(const Sums<tokens>& sums, const Output& out) {
  constexpr int left = tokens - first < 4 ? tokens - first : 4;
  __m512 row[4];
#pragma GCC unroll 4
  for (int i = 0; i < left; ++i) {
    const __m512* s = sums.at[first + i];
    row[i] = fold_4(fold_8(s[0], s[1]), fold_8(s[2], s[3]));
  }
  const __m512 a = fold_2(row[0], row[left > 1 ? 1 : 0]);
  const __m512 b = left > 2 ? fold_2(row[2], row[left > 3 ? 3 : 2]) : a;
  const __m512i by_token = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512 folded = _mm512_permutexvar_ps(by_token, fold_1(a, b));
  const __mmask8 mask = __mmask8((1u << out.count) - 1u);
  float* y = out.y + first * out.stride;
  _mm_mask_storeu_ps(y, mask, _mm512_castps512_ps128(folded));
  if constexpr (left > 1)
    _mm_mask_storeu_ps(y + out.stride, mask, _mm512_extractf32x4_ps(folded, 1));
  if constexpr (left > 2)
    _mm_mask_storeu_ps(y + 2 * out.stride, mask, _mm512_extractf32x4_ps(folded, 2));
  if constexpr (left > 3)
    _mm_mask_storeu_ps(y + 3 * out.stride, mask, _mm512_extractf32x4_ps(folded, 3));
}

template <int tokens>
[[gnu::always_inline]] inline void store(const Sums<tokens>& sums, const Output& out) {
  store_four<tokens, 0>(sums, out);
  if constexpr (tokens > 4) store_four<tokens, 4>(sums, out);
}

// What a tile of tokens has summed up over earlier columns. [tokens][kGroupRows][16]
struct Carried {
  enum class From { Nothing, Earlier } from = From::Nothing;
  enum class To { Later, Output } to = To::Output;
  float* sums = nullptr;
};

template <int tokens>
[[gnu::always_inline]] inline void begin(const Carried& carried, Sums<tokens>& sums) {
  clear(sums);
  if (carried.from == Carried::From::Nothing) return;
#pragma GCC unroll 8
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j)
      sums.at[i][j] = _mm512_load_ps(carried.sums + (i * kGroupRows + j) * 16);
}

template <int tokens>
[[gnu::always_inline]] inline void end(const Carried& carried, const Sums<tokens>& sums,
                                       const Output& out) {
  if (carried.to == Carried::To::Output) return store(sums, out);
#pragma GCC unroll 8
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j)
      _mm512_store_ps(carried.sums + (i * kGroupRows + j) * 16, sums.at[i][j]);
}

}  // namespace

#endif
