#pragma once

#if defined(__AVX512BF16__)

#include <algorithm>

#include "kernels/simd/attention_block.h"
#include "kernels/simd/scratch.h"

// Attention to one block of bfloat16 rows by vdpbf16ps, which adds two products a lane. The rows
// are read where they stand: a block of 256 x 576 numbers is 295 KB, comes from memory once, for
// the scores, and is found in the second-level cache when the values are summed.
//
// Bound: 2 * (width + latent) flops per head and row, against 64 a cycle.
namespace {

constexpr int64_t kPairs = 2 * kLanes;  // bfloat16 numbers in a register

// Up to kHeadGroup heads of a block.
struct Bfloat16Heads {
  int64_t first = 0;
  int64_t count = 0;
  int64_t width = 0;            // of the queries, padded to whole registers
  Bfloat16* q = nullptr;        // [kHeadGroup, width]
  float* scores = nullptr;      // [kHeadGroup, kAttentionBlock]
  Bfloat16* weights = nullptr;  // [kHeadGroup, kAttentionBlock]
  float* out = nullptr;         // [count, latent]
};

inline __m512i load_pairs(const void* x) { return _mm512_loadu_si512(x); }
inline __m512 add_pairs(__m512 y, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(y, (__m512bh)a, (__m512bh)b);
}
// The first `count` numbers of a register that holds `kPairs`.
inline __mmask32 first_pairs(int64_t count) {
  return count >= kPairs ? ~__mmask32(0) : __mmask32((uint32_t(1) << count) - 1);
}
inline __mmask16 first_lanes(int64_t count) {
  return count >= kLanes ? __mmask16(0xFFFF)
         : count <= 0    ? __mmask16(0)
                         : __mmask16((1u << count) - 1);
}

inline void round_queries(const AttentionBlock& block, const Bfloat16Heads& heads) {
  for (int64_t h = 0; h < round_up(heads.count, kTile); ++h) {
    const float* from = block.q + (heads.first + h) * block.width;
    for (int64_t d = 0; d < heads.width; d += kLanes) {
      const __mmask16 mask = h < heads.count ? first_lanes(block.width - d) : __mmask16(0);
      const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + d));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(heads.q + h * heads.width + d),
                          (__m256i)rounded);
    }
  }
}

// The sums over the lanes of 16 registers, that of x[i] in lane i. Each has the same tree:
// lanes (0 + 2) + (1 + 3) of every four, then the fours (0 + 1) + (2 + 3).
inline __m512 sums(const __m512 (&x)[kTile][kTile]) {
  __m512 four[kTile];
#pragma GCC unroll 4
  for (int64_t i = 0; i < kTile; ++i) {
    const __m512 a =
        _mm512_add_ps(_mm512_unpacklo_ps(x[i][0], x[i][1]), _mm512_unpackhi_ps(x[i][0], x[i][1]));
    const __m512 b =
        _mm512_add_ps(_mm512_unpacklo_ps(x[i][2], x[i][3]), _mm512_unpackhi_ps(x[i][2], x[i][3]));
    const __m512d ad = _mm512_castps_pd(a), bd = _mm512_castps_pd(b);
    four[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(ad, bd)),
                            _mm512_castpd_ps(_mm512_unpackhi_pd(ad, bd)));
  }
  const __m512 a = _mm512_add_ps(_mm512_shuffle_f32x4(four[0], four[1], 0x88),
                                 _mm512_shuffle_f32x4(four[0], four[1], 0xDD));
  const __m512 b = _mm512_add_ps(_mm512_shuffle_f32x4(four[2], four[3], 0x88),
                                 _mm512_shuffle_f32x4(four[2], four[3], 0xDD));
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}

// Rows are asked for so far ahead.
constexpr int64_t kRowsAhead = 3 * kTile;

// scores[h, s] = scale * q[h] . row[s] for kTile heads and kTile rows. Meanwhile a later row is
// asked for, one cache line a step: all at once they would fill the queue of loads. Four tiles of
// heads ask for all four rows of a tile.
inline void score_tile(const AttentionBlock& block, const Bfloat16Heads& heads, int64_t h,
                       int64_t s) {
  const unsigned char* const* const row = block.row + s;
  const int64_t next = s + kRowsAhead < block.rows ? s + kRowsAhead : s;
  const unsigned char* const coming = block.row[next + h / kTile % kTile];
  const Bfloat16* const q = heads.q + h * heads.width;
  const int64_t q_width = heads.width, width = block.width;

  __m512 dot[kTile][kTile];
#pragma GCC unroll 4
  for (auto& head : dot)
#pragma GCC unroll 4
    for (__m512& x : head) x = _mm512_setzero_ps();

  const unsigned char* const row0 = row[0];
  const unsigned char* const row1 = row[1];
  const unsigned char* const row2 = row[2];
  const unsigned char* const row3 = row[3];
  const auto step = [&](int64_t d, __m512i k0, __m512i k1, __m512i k2, __m512i k3) {
#pragma GCC unroll 4
    for (int64_t i = 0; i < kTile; ++i) {
      const __m512i query = load_pairs(q + i * q_width + d);
      dot[i][0] = add_pairs(dot[i][0], query, k0);
      dot[i][1] = add_pairs(dot[i][1], query, k1);
      dot[i][2] = add_pairs(dot[i][2], query, k2);
      dot[i][3] = add_pairs(dot[i][3], query, k3);
    }
  };
  int64_t d = 0;
  for (; d + kPairs <= width; d += kPairs) {
    _mm_prefetch(reinterpret_cast<const char*>(coming + 2 * d), _MM_HINT_T1);
    step(d, load_pairs(row0 + 2 * d), load_pairs(row1 + 2 * d), load_pairs(row2 + 2 * d),
         load_pairs(row3 + 2 * d));
  }
  if (d < width) {
    const __mmask32 rest = first_pairs(width - d);
    step(d, _mm512_maskz_loadu_epi16(rest, row0 + 2 * d),
         _mm512_maskz_loadu_epi16(rest, row1 + 2 * d), _mm512_maskz_loadu_epi16(rest, row2 + 2 * d),
         _mm512_maskz_loadu_epi16(rest, row3 + 2 * d));
  }

  const __m512 scaled = _mm512_mul_ps(sums(dot), _mm512_set1_ps(block.scale));
  float* const scores = heads.scores + h * kAttentionBlock + s;
  _mm_storeu_ps(scores, _mm512_castps512_ps128(scaled));
  _mm_storeu_ps(scores + kAttentionBlock, _mm512_extractf32x4_ps(scaled, 1));
  _mm_storeu_ps(scores + 2 * kAttentionBlock, _mm512_extractf32x4_ps(scaled, 2));
  _mm_storeu_ps(scores + 3 * kAttentionBlock, _mm512_extractf32x4_ps(scaled, 3));
}

// The weights of one head, rounded to bfloat16, and the sum of the rounded ones: rounding then
// moves weight between rows but keeps the total, and equal rows give that row.
inline float round_weights(const float* scores, int64_t rows, float max, Bfloat16* weights) {
  __m512 total = _mm512_setzero_ps();
  for (int64_t s = 0; s < rows; s += kLanes) {
    const __m256i p =
        (__m256i)_mm512_cvtneps_pbh(exp_of_negative(subtract(load(scores + s), all(max))));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + s), p);
    total =
        _mm512_add_ps(total, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(p), 16)));
  }
  return sum(total);
}

// out[h, c] = sum_s p[h, s] * row[s, c] for `tile` heads and 32 columns from `column` on. Two rows
// are interleaved at a time; that leaves columns in the order 0-3 8-11 16-19 24-27 and 4-7 12-15
// 20-23 28-31, which is undone at the end.
template <int64_t tile>
inline void value_tile(const AttentionBlock& block, const Bfloat16Heads& heads, int64_t h,
                       int64_t column) {
  __m512 value[tile][2];
#pragma GCC unroll 8
  for (auto& head : value) head[0] = head[1] = _mm512_setzero_ps();

  const Bfloat16* const p = heads.weights + h * kAttentionBlock;
  const int64_t columns = block.latent - column;
  const __mmask32 mask = first_pairs(columns);
  for (int64_t s = 0; s < block.rows; s += 2) {
    const __m512i even = _mm512_maskz_loadu_epi16(mask, block.row[s] + 2 * column);
    const __m512i odd = _mm512_maskz_loadu_epi16(mask, block.row[s + 1] + 2 * column);
    const __m512i low = _mm512_unpacklo_epi16(even, odd);
    const __m512i high = _mm512_unpackhi_epi16(even, odd);
#pragma GCC unroll 8
    for (int64_t i = 0; i < tile; ++i) {
      int32_t pair;
      __builtin_memcpy(&pair, p + i * kAttentionBlock + s, sizeof pair);
      const __m512i weights = _mm512_set1_epi32(pair);
      value[i][0] = add_pairs(value[i][0], weights, low);
      value[i][1] = add_pairs(value[i][1], weights, high);
    }
  }

  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
#pragma GCC unroll 8
  for (int64_t i = 0; i < tile; ++i) {
    if (h + i >= heads.count) break;
    float* const to = heads.out + (h + i) * block.latent + column;
    _mm512_mask_storeu_ps(to, first_lanes(columns),
                          _mm512_permutex2var_ps(value[i][0], first, value[i][1]));
    _mm512_mask_storeu_ps(to + kLanes, first_lanes(columns - kLanes),
                          _mm512_permutex2var_ps(value[i][0], second, value[i][1]));
  }
}

inline void attend_heads(const AttentionBlock& block, const Bfloat16Heads& heads,
                         const Attended& result) {
  round_queries(block, heads);
  for (int64_t s = 0; s < block.rows; s += kTile)
    for (int64_t h = 0; h < heads.count; h += kTile) score_tile(block, heads, h, s);
  for (int64_t h = 0; h < heads.count; ++h) {
    float* scores = heads.scores + h * kAttentionBlock;
    end_scores(scores, block.rows);
    const float max = largest_score(scores, block.rows);
    result.max[heads.first + h] = max;
    result.sum[heads.first + h] =
        round_weights(scores, block.rows, max, heads.weights + h * kAttentionBlock);
  }
  for (int64_t column = 0; column < block.latent; column += kPairs) {
    for (int64_t h = 0; h < heads.count; h += 2 * kTile) {
      if (heads.count - h > kTile)
        value_tile<2 * kTile>(block, heads, h, column);
      else
        value_tile<kTile>(block, heads, h, column);
    }
  }
}

inline void attend_bfloat16(const AttentionBlock& block, Scratch& scratch, const Attended& result) {
  Bfloat16Heads heads;
  heads.width = round_up(block.width, kPairs);
  // In units of two bytes, of which a score takes two.
  Bfloat16* memory =
      scratch.numbers<Bfloat16>(std::size_t(kHeadGroup * (heads.width + 3 * kAttentionBlock)));
  heads.q = memory;
  heads.weights = heads.q + kHeadGroup * heads.width;
  heads.scores = reinterpret_cast<float*>(heads.weights + kHeadGroup * kAttentionBlock);
  for (int64_t h = 0; h < block.heads; h += kHeadGroup) {
    heads.first = h;
    heads.count = std::min(kHeadGroup, block.heads - h);
    heads.out = result.out + h * block.latent;
    attend_heads(block, heads, result);
  }
}

}  // namespace

#endif
