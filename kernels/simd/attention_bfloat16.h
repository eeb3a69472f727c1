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

struct Bfloat16Block {
  int64_t width = 0;            // of the queries, padded to whole registers
  Bfloat16* q = nullptr;        // [kHeadGroup, width]
  float* scores = nullptr;      // [kHeadGroup, kAttentionBlock]
  Bfloat16* weights = nullptr;  // [kHeadGroup, kAttentionBlock]
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

inline void round_queries(const AttentionBlock& block, int64_t first, int64_t heads,
                          const Bfloat16Block& at) {
  for (int64_t h = 0; h < round_up(heads, kTile); ++h) {
    const float* from = block.q + (first + h) * block.width;
    for (int64_t d = 0; d < at.width; d += kLanes) {
      const __mmask16 mask = h < heads ? first_lanes(block.width - d) : __mmask16(0);
      const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + d));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(at.q + h * at.width + d), (__m256i)rounded);
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

inline void prefetch(const unsigned char* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}

// scores[h, s] = scale * q[h] . row[s] for kTile heads and kTile rows. Meanwhile the row `coming`
// is asked for, one cache line a step: all at once they would fill the queue of loads.
inline void score_tile(const Bfloat16* q, int64_t q_width, const unsigned char* const* row,
                       const unsigned char* coming, int64_t width, float scale, float* scores) {
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
    for (int64_t h = 0; h < kTile; ++h) {
      const __m512i query = load_pairs(q + h * q_width + d);
      dot[h][0] = add_pairs(dot[h][0], query, k0);
      dot[h][1] = add_pairs(dot[h][1], query, k1);
      dot[h][2] = add_pairs(dot[h][2], query, k2);
      dot[h][3] = add_pairs(dot[h][3], query, k3);
    }
  };
  int64_t d = 0;
  for (; d + kPairs <= width; d += kPairs) {
    prefetch(coming + 2 * d);
    step(d, load_pairs(row0 + 2 * d), load_pairs(row1 + 2 * d), load_pairs(row2 + 2 * d),
         load_pairs(row3 + 2 * d));
  }
  if (d < width) {
    const __mmask32 rest = first_pairs(width - d);
    step(d, _mm512_maskz_loadu_epi16(rest, row0 + 2 * d),
         _mm512_maskz_loadu_epi16(rest, row1 + 2 * d), _mm512_maskz_loadu_epi16(rest, row2 + 2 * d),
         _mm512_maskz_loadu_epi16(rest, row3 + 2 * d));
  }

  const __m512 scaled = _mm512_mul_ps(sums(dot), _mm512_set1_ps(scale));
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

// y[h, c] = sum_s p[h, s] * row[s, c] for `heads` heads and 32 columns from `column` on. Two rows
// are interleaved at a time; that leaves columns in the order 0-3 8-11 16-19 24-27 and 4-7 12-15
// 20-23 28-31, which is undone at the end.
template <int64_t heads>
inline void value_tile(const Bfloat16* p, const unsigned char* const* row, int64_t rows,
                       int64_t column, int64_t columns, float* out, int64_t latent,
                       int64_t heads_kept) {
  __m512 value[heads][2];
#pragma GCC unroll 8
  for (auto& head : value) head[0] = head[1] = _mm512_setzero_ps();

  const __mmask32 mask = first_pairs(columns);
  for (int64_t s = 0; s < rows; s += 2) {
    const __m512i even = _mm512_maskz_loadu_epi16(mask, row[s] + 2 * column);
    const __m512i odd = _mm512_maskz_loadu_epi16(mask, row[s + 1] + 2 * column);
    const __m512i low = _mm512_unpacklo_epi16(even, odd);
    const __m512i high = _mm512_unpackhi_epi16(even, odd);
#pragma GCC unroll 8
    for (int64_t h = 0; h < heads; ++h) {
      int32_t pair;
      __builtin_memcpy(&pair, p + h * kAttentionBlock + s, sizeof pair);
      const __m512i weights = _mm512_set1_epi32(pair);
      value[h][0] = add_pairs(value[h][0], weights, low);
      value[h][1] = add_pairs(value[h][1], weights, high);
    }
  }

  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
#pragma GCC unroll 8
  for (int64_t h = 0; h < heads; ++h) {
    if (h >= heads_kept) break;
    float* to = out + h * latent + column;
    _mm512_mask_storeu_ps(to, first_lanes(columns),
                          _mm512_permutex2var_ps(value[h][0], first, value[h][1]));
    _mm512_mask_storeu_ps(to + kLanes, first_lanes(columns - kLanes),
                          _mm512_permutex2var_ps(value[h][0], second, value[h][1]));
  }
}

// While a tile of rows is scored, each tile of heads asks for one row of the next: 16 heads ask for
// all.
inline void score_rows(const AttentionBlock& block, int64_t heads, const Bfloat16Block& at) {
  for (int64_t s = 0; s < block.rows; s += kTile) {
    const bool last = s + kTile >= block.rows;
    const unsigned char* const* next = block.row + (last ? s : s + kTile);
    for (int64_t h = 0; h < heads; h += kTile)
      score_tile(at.q + h * at.width, at.width, block.row + s, next[h / kTile % kTile], block.width,
                 block.scale, at.scores + h * kAttentionBlock + s);
  }
}

inline void attend_heads(const AttentionBlock& block, int64_t first, int64_t heads,
                         const Bfloat16Block& at, const Attended& result) {
  constexpr int64_t kWide = 2 * kTile;
  round_queries(block, first, heads, at);
  score_rows(block, heads, at);
  for (int64_t h = 0; h < round_up(heads, kTile); ++h) {
    float* scores = at.scores + h * kAttentionBlock;
    end_scores(scores, block.rows);
    const float max = largest_score(scores, block.rows);
    const float total = round_weights(scores, block.rows, max, at.weights + h * kAttentionBlock);
    if (h >= heads) continue;
    result.max[first + h] = max;
    result.sum[first + h] = total;
  }
  for (int64_t column = 0; column < block.latent; column += kPairs) {
    const int64_t columns = std::min(kPairs, block.latent - column);
    for (int64_t h = 0; h < heads; h += kWide) {
      const Bfloat16* weights = at.weights + h * kAttentionBlock;
      float* out = result.out + (first + h) * block.latent;
      if (heads - h > kTile)
        value_tile<kWide>(weights, block.row, block.rows, column, columns, out, block.latent,
                          heads - h);
      else
        value_tile<kTile>(weights, block.row, block.rows, column, columns, out, block.latent,
                          heads - h);
    }
  }
}

inline void attend_bfloat16(const AttentionBlock& block, Scratch& scratch, const Attended& result) {
  Bfloat16Block at;
  at.width = round_up(block.width, kPairs);
  // In units of two bytes, of which a score takes two.
  Bfloat16* memory =
      scratch.numbers<Bfloat16>(std::size_t(kHeadGroup * (at.width + 3 * kAttentionBlock)));
  at.q = memory;
  at.weights = at.q + kHeadGroup * at.width;
  at.scores = reinterpret_cast<float*>(at.weights + kHeadGroup * kAttentionBlock);
  for (int64_t h = 0; h < block.heads; h += kHeadGroup)
    attend_heads(block, h, std::min(kHeadGroup, block.heads - h), at, result);
}

}  // namespace

#endif
