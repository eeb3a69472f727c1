#pragma once

#include "kernels/instructions.h"
#include "kernels/pages.h"

class Threads;

// Multi-head latent attention, absorbed (DeepSeek-V2, 2.1): all heads attend to one latent row per
// token, whose first `latent` numbers are the values too.
//
//   p[s]   = softmax_s(scale * q[t, h, :] . row[s, :])   over the tokens that t attends to
//   out[t, h, :] = sum_s p[s] * row[s, :latent]
//
// A token attends to the `found` rows that `selected` lists in ascending order, or to all visible
// ones where found is kAll. Listed rows are gathered: cost does not grow with what is not listed.
// Listing all visible tokens and kAll give the same bits: work is cut every kAttentionBlock rows of
// the list, and the blocks' results are joined in ascending order. A token whose found is -1 (as
// TopK says of a NaN) attends to nothing: its result is zeros.
inline constexpr int64_t kAttentionBlock = 256;

struct LatentAttention {
  static constexpr int32_t kAll = -2;

  // [tokens, heads, width]; rounded to the rows' type when used, for records to bfloat16
  View<const float, 3> q;
  View<const SeenPages, 1> seen;    // [tokens]
  int64_t offset = 0;               // bytes from a page's begin to the layer's latent rows
  PageFormat format;                // width = latent + rope dims; of rows or records
  View<const int32_t, 2> selected;  // [tokens, k]
  View<const int32_t, 1> found;     // [tokens]: how many are listed, at least 1; kAll; or -1
  float scale = 1;
  View<float, 3> out;  // [tokens, heads, latent]  written
};

namespace cpu {
void latent_attention(const LatentAttention& args);
}
namespace simd {
template <Instructions level>
void latent_attention(const LatentAttention& args, Threads& threads);
}  // namespace simd
