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

// score += weight[h] * max(0, q[h] . key) for `heads` heads in ascending order and 4 * kLanes
// tokens. keys: [dim, kPageTokens].
template <int64_t heads>
inline void add_widened(const float* q, const float* weight, int64_t dim, const float* keys,
                        Lanes (&score)[4]) {
  Lanes dot[heads][4];
#pragma GCC unroll 4
  for (auto& head : dot)
#pragma GCC unroll 4
    for (Lanes& x : head) x = zeros();
  for (int64_t d = 0; d < dim; ++d, keys += kPageTokens) {
#pragma GCC unroll 4
    for (int64_t h = 0; h < heads; ++h) {
      const Lanes query = all(q[h * dim + d]);
#pragma GCC unroll 4
      for (int64_t i = 0; i < 4; ++i)
        dot[h][i] = multiply_add(query, load(keys + i * kLanes), dot[h][i]);
    }
  }
#pragma GCC unroll 4
  for (int64_t h = 0; h < heads; ++h)
#pragma GCC unroll 4
    for (int64_t i = 0; i < 4; ++i)
      score[i] = multiply_add(all(weight[h]), larger(zeros(), dot[h][i]), score[i]);
}

// q: [heads, dim], keys: [dim, kPageTokens]. Writes the first `count` scores of the page.
inline void score_widened(const float* q, const float* weight, int64_t heads, int64_t dim,
                          const float* keys, int64_t count, float* score) {
  float all_scores[kPageTokens];
  for (int64_t s = 0; s < count; s += 4 * kLanes) {
    Lanes sums[4] = {zeros(), zeros(), zeros(), zeros()};
    int64_t h = 0;
    for (; h + 2 <= heads; h += 2) add_widened<2>(q + h * dim, weight + h, dim, keys + s, sums);
    if (h < heads) add_widened<1>(q + h * dim, weight + h, dim, keys + s, sums);
    for (int64_t i = 0; i < 4; ++i) store(all_scores + s + i * kLanes, sums[i]);
  }
  __builtin_memcpy(score, all_scores, std::size_t(count) * sizeof(float));
}

inline void round_query(const float* from, int64_t numbers, float* to) {
  for (int64_t i = 0; i < numbers; ++i) to[i] = to_float(to_bfloat16(from[i]));
}

}  // namespace
