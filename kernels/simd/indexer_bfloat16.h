#pragma once

#if defined(__AVX512BF16__)

#include "kernels/indexer.h"
#include "kernels/simd/lanes.h"

// Scores of one page of bfloat16 keys by vdpbf16ps: a pair of dims of the page's 64 tokens fills
// four registers, so that a tile of four heads keeps 16 sums, and a step of 16 products loads four
// registers of keys and four pairs of the query.
//
// Bound: 2 * heads * dim flops a key, against 64 a cycle.
namespace {

constexpr int64_t kPageRegisters = kPageTokens / kLanes;
constexpr int64_t kHeadTile = 4;
constexpr int64_t kCacheLine = 64;

// One token and one page.
struct PageScores {
  const Bfloat16* q = nullptr;    // [heads, dim]
  const float* weight = nullptr;  // [heads]
  int64_t heads = 0;
  int64_t dim = 0;
  const unsigned char* keys = nullptr;    // [dim / 2, kPageTokens, 2]
  const unsigned char* coming = nullptr;  // a page that will be read soon
  int64_t count = 0;                      // how many of the page's tokens are visible
  float* score = nullptr;                 // [count]  written
};

// score += weight[h] * max(0, q[h] . key) for `tile` heads from `first` on, in ascending order.
// Meanwhile each of four tiles asks for a quarter of the page to come, one cache line a step. It is
// to wait in the second-level cache: two pages would fill the first.
template <int64_t tile>
inline void add_heads(const PageScores& page, int64_t first, __m512 (&score)[kPageRegisters]) {
  const Bfloat16* const q = page.q + first * page.dim;
  const float* const weight = page.weight + first;
  const unsigned char* const keys = page.keys;
  const unsigned char* const coming =
      page.coming +
      first / kHeadTile % kPageRegisters * (page.dim * kPageTokens * 2 / kPageRegisters);
  const int64_t dim = page.dim;

  __m512 dot[tile][kPageRegisters];
#pragma GCC unroll 4
  for (auto& head : dot)
#pragma GCC unroll 4
    for (__m512& x : head) x = _mm512_setzero_ps();

  for (int64_t d = 0; d < dim; d += 2) {
    __m512bh key[kPageRegisters];
#pragma GCC unroll 4
    for (int64_t i = 0; i < kPageRegisters; ++i)
      key[i] = (__m512bh)_mm512_loadu_si512(keys + d * kPageTokens * 2 + i * kCacheLine);
    _mm_prefetch(reinterpret_cast<const char*>(coming + d / 2 * kCacheLine), _MM_HINT_T1);
#pragma GCC unroll 4
    for (int64_t h = 0; h < tile; ++h) {
      int32_t pair;
      __builtin_memcpy(&pair, q + h * dim + d, sizeof pair);
      const auto query = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 4
      for (int64_t i = 0; i < kPageRegisters; ++i)
        dot[h][i] = _mm512_dpbf16_ps(dot[h][i], query, key[i]);
    }
  }
#pragma GCC unroll 4
  for (int64_t h = 0; h < tile; ++h) {
    const __m512 w = _mm512_set1_ps(weight[h]);
#pragma GCC unroll 4
    for (int64_t i = 0; i < kPageRegisters; ++i)
      score[i] = _mm512_fmadd_ps(w, _mm512_max_ps(_mm512_setzero_ps(), dot[h][i]), score[i]);
  }
}

inline void score_page(const PageScores& page) {
  __m512 score[kPageRegisters];
  for (__m512& x : score) x = _mm512_setzero_ps();
  int64_t h = 0;
  for (; h + kHeadTile <= page.heads; h += kHeadTile) add_heads<kHeadTile>(page, h, score);
  for (; h < page.heads; ++h) add_heads<1>(page, h, score);

#pragma GCC unroll 4
  for (int64_t i = 0; i < kPageRegisters; ++i) {
    const int64_t rest = page.count - i * kLanes;
    const __mmask16 mask =
        rest >= kLanes ? __mmask16(0xFFFF) : __mmask16(rest <= 0 ? 0 : (1u << rest) - 1);
    _mm512_mask_storeu_ps(page.score + i * kLanes, mask, score[i]);
  }
}

inline void round_query(const float* from, int64_t numbers, Bfloat16* to) {
  for (int64_t i = 0; i < numbers; i += kLanes) {
    const int64_t rest = numbers - i;
    const __mmask16 mask = rest >= kLanes ? __mmask16(0xFFFF) : __mmask16((1u << rest) - 1);
    _mm256_mask_storeu_epi16(to + i, mask,
                             (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + i)));
  }
}

}  // namespace

#endif
