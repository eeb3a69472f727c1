#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/simd/attention_block.h"
#include "kernels/simd/scratch.h"

// Attention to one block in float: F32 rows at every level, BF16 rows where the processor cannot
// multiply them. The rows are copied, widened and padded with zeros first, which costs about a
// tenth of the time and leaves the loops without edges.
namespace {

// A block's rows, and up to kHeadGroup of its heads.
struct FloatHeads {
  int64_t first = 0;
  int64_t count = 0;
  int64_t width = 0;        // padded to whole registers
  float* rows = nullptr;    // [kAttentionBlock + kTile, width]
  float* q = nullptr;       // [kHeadGroup, width]
  float* scores = nullptr;  // [kHeadGroup, kAttentionBlock], then the weights
  float* out = nullptr;     // [count, latent]
};

inline void widen(const unsigned char* row, const AttentionBlock& block, float* to,
                  int64_t padded) {
  const int64_t whole = block.width / kLanes * kLanes;
  if (block.type == Number::F32) {
    std::memcpy(to, row, std::size_t(block.width) * sizeof(float));
  } else {
    const auto* from = reinterpret_cast<const Bfloat16*>(row);
    for (int64_t d = 0; d < whole; d += kLanes) store(to + d, load_widened(from + d));
    for (int64_t d = whole; d < block.width; ++d) to[d] = to_float(from[d]);
  }
  std::fill(to + block.width, to + padded, 0.f);
}

inline void copy_queries(const AttentionBlock& block, const FloatHeads& heads) {
  for (int64_t h = 0; h < round_up(heads.count, kTile); ++h) {
    float* to = heads.q + h * heads.width;
    std::fill(to, to + heads.width, 0.f);
    if (h >= heads.count) continue;
    const float* from = block.q + (heads.first + h) * block.width;
    for (int64_t d = 0; d < block.width; ++d)
      to[d] = block.type == Number::F32 ? from[d] : to_float(to_bfloat16(from[d]));
  }
}

// scores[h, s] = scale * q[h] . row[s] for kTile heads and two rows.
inline void score_tile(const AttentionBlock& block, const FloatHeads& heads, int64_t h, int64_t s) {
  const int64_t width = heads.width;
  const float* const q = heads.q + h * width;
  const float* const rows = heads.rows + s * width;
  Lanes dot[kTile][2];
  for (auto& pair : dot) pair[0] = pair[1] = zeros();
  for (int64_t d = 0; d < width; d += kLanes) {
    const Lanes row0 = load(rows + d), row1 = load(rows + width + d);
#pragma GCC unroll 4
    for (int64_t i = 0; i < kTile; ++i) {
      const Lanes query = load(q + i * width + d);
      dot[i][0] = multiply_add(query, row0, dot[i][0]);
      dot[i][1] = multiply_add(query, row1, dot[i][1]);
    }
  }
  float* const scores = heads.scores + h * kAttentionBlock + s;
  for (int64_t i = 0; i < kTile; ++i) {
    scores[i * kAttentionBlock] = sum(dot[i][0]) * block.scale;
    scores[i * kAttentionBlock + 1] = sum(dot[i][1]) * block.scale;
  }
}

// Turns scores into weights in place and returns their sum.
inline float weigh(float* scores, int64_t rows, float max) {
  Lanes total = zeros();
  for (int64_t s = 0; s < rows; s += kLanes) {
    const Lanes p = exp_of_negative(subtract(load(scores + s), all(max)));
    store(scores + s, p);
    total = add(total, p);
  }
  return sum(total);
}

// out[h, c] = sum_s p[h, s] * row[s, c] for kTile heads and 2 * kLanes columns from `column` on.
inline void value_tile(const AttentionBlock& block, const FloatHeads& heads, int64_t h,
                       int64_t column) {
  Lanes value[kTile][2];
  for (auto& pair : value) pair[0] = pair[1] = zeros();
  const float* const p = heads.scores + h * kAttentionBlock;
  const float* row = heads.rows + column;
  for (int64_t s = 0; s < block.rows; ++s, row += heads.width) {
    const Lanes left = load(row), right = load(row + kLanes);
#pragma GCC unroll 4
    for (int64_t i = 0; i < kTile; ++i) {
      const Lanes weight = all(p[i * kAttentionBlock + s]);
      value[i][0] = multiply_add(weight, left, value[i][0]);
      value[i][1] = multiply_add(weight, right, value[i][1]);
    }
  }
  const int64_t columns = std::min(2 * kLanes, block.latent - column);
  for (int64_t i = 0; i < std::min(kTile, heads.count - h); ++i) {
    float y[2 * kLanes];
    store(y, value[i][0]);
    store(y + kLanes, value[i][1]);
    std::memcpy(heads.out + (h + i) * block.latent + column, y,
                std::size_t(columns) * sizeof(float));
  }
}

inline void attend_heads(const AttentionBlock& block, const FloatHeads& heads,
                         const Attended& result) {
  copy_queries(block, heads);
  for (int64_t s = 0; s < block.rows; s += 2)
    for (int64_t h = 0; h < heads.count; h += kTile) score_tile(block, heads, h, s);
  for (int64_t h = 0; h < heads.count; ++h) {
    float* scores = heads.scores + h * kAttentionBlock;
    end_scores(scores, block.rows);
    const float max = largest_score(scores, block.rows);
    result.max[heads.first + h] = max;
    result.sum[heads.first + h] = weigh(scores, block.rows, max);
  }
  for (int64_t h = 0; h < heads.count; h += kTile)
    for (int64_t column = 0; column < block.latent; column += 2 * kLanes)
      value_tile(block, heads, h, column);
}

inline void attend_float(const AttentionBlock& block, Scratch& scratch, const Attended& result) {
  constexpr int64_t padded_rows = kAttentionBlock + kTile;
  FloatHeads heads;
  heads.width = round_up(block.width, 2 * kLanes);
  heads.rows = scratch.numbers<float>(
      std::size_t((padded_rows + kHeadGroup) * heads.width + kHeadGroup * kAttentionBlock));
  heads.q = heads.rows + padded_rows * heads.width;
  heads.scores = heads.q + kHeadGroup * heads.width;

  for (int64_t s = 0; s < round_up(block.rows, 2); ++s)
    widen(block.row[s], block, heads.rows + s * heads.width, heads.width);
  for (int64_t h = 0; h < block.heads; h += kHeadGroup) {
    heads.first = h;
    heads.count = std::min(kHeadGroup, block.heads - h);
    heads.out = result.out + h * block.latent;
    attend_heads(block, heads, result);
  }
}

}  // namespace
