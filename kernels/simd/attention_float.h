#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/simd/attention_block.h"
#include "kernels/simd/scratch.h"

// Attention to one block in float: F32 rows at every level, BF16 rows where the processor cannot
// multiply them. The rows are copied, widened and padded with zeros first, which costs about a
// tenth of the time and leaves the loops without edges.
namespace {

struct FloatBlock {
  int64_t width = 0;        // padded to whole registers
  float* rows = nullptr;    // [kAttentionBlock + kTile, width]
  float* q = nullptr;       // [kHeadGroup, width]
  float* scores = nullptr;  // [kHeadGroup, kAttentionBlock], then the weights
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

inline void copy_queries(const AttentionBlock& block, int64_t first, int64_t heads,
                         const FloatBlock& at) {
  for (int64_t h = 0; h < round_up(heads, kTile); ++h) {
    float* to = at.q + h * at.width;
    std::fill(to, to + at.width, 0.f);
    if (h >= heads) continue;
    const float* from = block.q + (first + h) * block.width;
    for (int64_t d = 0; d < block.width; ++d)
      to[d] = block.type == Number::F32 ? from[d] : to_float(to_bfloat16(from[d]));
  }
}

// scores[h, s] = scale * q[h] . row[s] for kTile heads and two rows.
inline void score_tile(const float* q, const float* rows, int64_t width, float scale,
                       float* scores) {
  Lanes dot[kTile][2];
  for (auto& pair : dot) pair[0] = pair[1] = zeros();
  for (int64_t d = 0; d < width; d += kLanes) {
    const Lanes row0 = load(rows + d), row1 = load(rows + width + d);
#pragma GCC unroll 4
    for (int64_t h = 0; h < kTile; ++h) {
      const Lanes query = load(q + h * width + d);
      dot[h][0] = multiply_add(query, row0, dot[h][0]);
      dot[h][1] = multiply_add(query, row1, dot[h][1]);
    }
  }
  for (int64_t h = 0; h < kTile; ++h) {
    scores[h * kAttentionBlock] = sum(dot[h][0]) * scale;
    scores[h * kAttentionBlock + 1] = sum(dot[h][1]) * scale;
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

// y[h, c] = sum_s p[h, s] * row[s, c] for kTile heads and 2 * kLanes columns.
inline void value_tile(const float* p, const float* rows, int64_t width, int64_t count,
                       float (&y)[kTile][2 * kLanes]) {
  Lanes value[kTile][2];
  for (auto& pair : value) pair[0] = pair[1] = zeros();
  for (int64_t s = 0; s < count; ++s, rows += width) {
    const Lanes left = load(rows), right = load(rows + kLanes);
#pragma GCC unroll 4
    for (int64_t h = 0; h < kTile; ++h) {
      const Lanes weight = all(p[h * kAttentionBlock + s]);
      value[h][0] = multiply_add(weight, left, value[h][0]);
      value[h][1] = multiply_add(weight, right, value[h][1]);
    }
  }
  for (int64_t h = 0; h < kTile; ++h) {
    store(y[h], value[h][0]);
    store(y[h] + kLanes, value[h][1]);
  }
}

inline void attend_heads(const AttentionBlock& block, int64_t first, int64_t heads,
                         const FloatBlock& at, const Attended& result) {
  copy_queries(block, first, heads, at);
  for (int64_t s = 0; s < block.rows; s += 2)
    for (int64_t h = 0; h < heads; h += kTile)
      score_tile(at.q + h * at.width, at.rows + s * at.width, at.width, block.scale,
                 at.scores + h * kAttentionBlock + s);
  for (int64_t h = 0; h < heads; ++h) {
    float* scores = at.scores + h * kAttentionBlock;
    end_scores(scores, block.rows);
    const float max = largest_score(scores, block.rows);
    result.max[first + h] = max;
    result.sum[first + h] = weigh(scores, block.rows, max);
  }
  float tile[kTile][2 * kLanes];
  for (int64_t h = 0; h < heads; h += kTile) {
    for (int64_t c = 0; c < block.latent; c += 2 * kLanes) {
      value_tile(at.scores + h * kAttentionBlock, at.rows + c, at.width, block.rows, tile);
      const auto bytes = std::size_t(std::min(2 * kLanes, block.latent - c)) * sizeof(float);
      for (int64_t i = 0; i < std::min(kTile, heads - h); ++i)
        std::memcpy(result.out + (first + h + i) * block.latent + c, tile[i], bytes);
    }
  }
}

inline void attend_float(const AttentionBlock& block, Scratch& scratch, const Attended& result) {
  const int64_t width = round_up(block.width, 2 * kLanes);
  const int64_t padded_rows = kAttentionBlock + kTile;
  float* memory = scratch.numbers<float>(
      std::size_t((padded_rows + kHeadGroup) * width + kHeadGroup * kAttentionBlock));
  FloatBlock at;
  at.width = width;
  at.rows = memory;
  at.q = memory + padded_rows * width;
  at.scores = at.q + kHeadGroup * width;

  for (int64_t s = 0; s < round_up(block.rows, 2); ++s)
    widen(block.row[s], block, at.rows + s * width, width);
  for (int64_t h = 0; h < block.heads; h += kHeadGroup)
    attend_heads(block, h, std::min(kHeadGroup, block.heads - h), at, result);
}

}  // namespace
