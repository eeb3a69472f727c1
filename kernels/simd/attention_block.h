#pragma once

#include "kernels/attention.h"
#include "kernels/simd/lanes.h"

// What the two ways to attend to one block of rows have in common.
namespace {

// Heads are taken in groups, so that their scores and weights stay in the first-level cache.
constexpr int64_t kHeadGroup = 16;
// Tiles of scores are this many heads times this many rows.
constexpr int64_t kTile = 4;

constexpr int64_t round_up(int64_t count, int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

// Attention to some rows, not yet divided by the sum: with x[h, s] = scale * q[h] . row[s],
//   max[h] = max_s x[h, s]    sum[h] = sum_s exp(x[h, s] - max[h])
//   out[h, :] = sum_s exp(x[h, s] - max[h]) * row[s, :latent]
struct Attended {
  float* max = nullptr;  // [heads]
  float* sum = nullptr;  // [heads]
  float* out = nullptr;  // [heads, latent]
};

// One token and up to kAttentionBlock of its rows.
struct AttentionBlock {
  const float* q = nullptr;  // [heads, width]
  int64_t heads = 0;
  int64_t width = 0;
  int64_t latent = 0;
  float scale = 1;
  Number type = Number::BF16;
  int64_t rows = 0;
  // Where the rows stand. Tiles read past the last one: it stands there again.
  const unsigned char* row[kAttentionBlock + kTile] = {};
};

// Rows past the end get a score that no softmax notices. `scores` has room for the next multiple of
// kLanes.
inline void end_scores(float* scores, int64_t rows) {
  for (int64_t s = rows; s < round_up(rows, kLanes); ++s) scores[s] = -__builtin_inff();
}

inline float largest_score(const float* scores, int64_t rows) {
  Lanes most = load(scores);
  for (int64_t s = kLanes; s < rows; s += kLanes) most = larger(most, load(scores + s));
  return largest(most);
}

}  // namespace
