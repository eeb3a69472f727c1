#pragma once

#include "kernels/instructions.h"
#include "kernels/number.h"

// What attention remembers of a token in one layer, kept in pages of kPageTokens tokens.
//
// Latent rows: [kPageTokens][width] numbers, width = kv_lora_rank + qk_rope_head_dim: the normed
// latent and the rotated key that all heads share.
// Index keys:  [dim / 2][kPageTokens][2] numbers: element d of token s stands at
// (d / 2, s, d % 2), so that the fast kernel finds pairs of dims side by side and tokens in lanes.
inline constexpr int64_t kPageTokens = 64;

struct PageFormat {
  Number type = Number::BF16;  // F32 or BF16
  int64_t width = 0;           // numbers a token
  int64_t bytes() const { return kPageTokens * width * bytes_of(type); }
};

// The pages of one sequence as seen by one token of it: the token at position p sees the first
// p + 1 tokens, its own included.
struct SeenPages {
  // [ceil(visible / kPageTokens)]: where each page begins. The layer's rows stand `offset` bytes
  // in.
  const unsigned char* const* page = nullptr;
  int32_t visible = 0;
};

// Writes one row per token into its page: y = page(token's sequence, position).
struct StoreRows {
  View<const float, 2> x;              // [tokens, width]
  View<unsigned char* const, 1> page;  // [tokens]: the page that holds the token's position
  View<const int32_t, 1> slot;         // [tokens]: position % kPageTokens
  int64_t offset = 0;                  // bytes from a page's begin to the layer's rows
  PageFormat format;
};

class Threads;
namespace cpu {
void store_latent(const StoreRows& args);
void store_index_key(const StoreRows& args);
}  // namespace cpu
namespace simd {
template <Instructions level>
void store_latent(const StoreRows& args, Threads& threads);
template <Instructions level>
void store_index_key(const StoreRows& args, Threads& threads);
}  // namespace simd
