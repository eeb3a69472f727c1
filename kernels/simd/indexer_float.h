#pragma once

#include "kernels/indexer.h"
#include "kernels/simd/lanes.h"

// Scores of one page of keys in float: F32 keys at every level, BF16 keys where the processor
// cannot multiply them. The page is widened once for all tokens that see it.
namespace {

using Words __attribute__((vector_size(kLanes * 4))) = uint32_t;

// to[d, s] = number d of the page's token s.
inline void widen_page(const unsigned char* keys, Number type, int64_t dim, float* to) {
  for (int64_t d = 0; d < dim; d += 2, to += 2 * kPageTokens) {
    float* const even = to;
    float* const odd = to + kPageTokens;
    if (type == Number::F32) {
      const float* pairs = reinterpret_cast<const float*>(keys) + d * kPageTokens;
      for (int64_t s = 0; s < kPageTokens; ++s) {
        even[s] = pairs[2 * s];
        odd[s] = pairs[2 * s + 1];
      }
      continue;
    }
    for (int64_t s = 0; s < kPageTokens; s += kLanes) {
      Words pairs;
      __builtin_memcpy(&pairs, keys + (d * kPageTokens + 2 * s) * 2, sizeof pairs);
      const Words first = pairs << 16, second = pairs & 0xFFFF0000u;
      __builtin_memcpy(even + s, &first, sizeof first);
      __builtin_memcpy(odd + s, &second, sizeof second);
    }
  }
}

// One token and one page.
struct WidenedScores {
  const float* q = nullptr;       // [heads, dim]
  const float* weight = nullptr;  // [heads]
  int64_t heads = 0;
  int64_t dim = 0;
  const float* keys = nullptr;  // [dim, kPageTokens]
  int64_t count = 0;            // how many of the page's tokens are visible
  float* score = nullptr;       // [count]  written
};

// score += weight[h] * max(0, q[h] . key) for `tile` heads from `first` on, in ascending order, and
// the 4 * kLanes tokens from `token` on.
template <int64_t tile>
inline void add_widened(const WidenedScores& page, int64_t first, int64_t token,
                        Lanes (&score)[4]) {
  const float* const q = page.q + first * page.dim;
  const float* const weight = page.weight + first;
  const float* keys = page.keys + token;
  const int64_t dim = page.dim;
  Lanes dot[tile][4];
#pragma GCC unroll 4
  for (auto& head : dot)
#pragma GCC unroll 4
    for (Lanes& x : head) x = zeros();
  for (int64_t d = 0; d < dim; ++d, keys += kPageTokens) {
#pragma GCC unroll 4
    for (int64_t h = 0; h < tile; ++h) {
      const Lanes query = all(q[h * dim + d]);
#pragma GCC unroll 4
      for (int64_t i = 0; i < 4; ++i)
        dot[h][i] = multiply_add(query, load(keys + i * kLanes), dot[h][i]);
    }
  }
#pragma GCC unroll 4
  for (int64_t h = 0; h < tile; ++h)
#pragma GCC unroll 4
    for (int64_t i = 0; i < 4; ++i)
      score[i] = multiply_add(all(weight[h]), larger(zeros(), dot[h][i]), score[i]);
}

inline void score_widened(const WidenedScores& page) {
  float score[kPageTokens];
  for (int64_t s = 0; s < page.count; s += 4 * kLanes) {
    Lanes sums[4] = {zeros(), zeros(), zeros(), zeros()};
    int64_t h = 0;
    for (; h + 2 <= page.heads; h += 2) add_widened<2>(page, h, s, sums);
    if (h < page.heads) add_widened<1>(page, h, s, sums);
    for (int64_t i = 0; i < 4; ++i) store(score + s + i * kLanes, sums[i]);
  }
  __builtin_memcpy(page.score, score, std::size_t(page.count) * sizeof(float));
}

inline void round_query(const float* from, int64_t numbers, float* to) {
  for (int64_t i = 0; i < numbers; ++i) to[i] = to_float(to_bfloat16(from[i]));
}

}  // namespace
