#pragma once

#include "kernels/instructions.h"
#include "kernels/number.h"

// What attention remembers of a token in one layer, kept in pages of kPageTokens tokens.
//
// Latent rows, of F32 or BF16: [kPageTokens][width] numbers, width = kv_lora_rank +
// qk_rope_head_dim: the normed latent and the rotated key that all heads share. Latent records,
// where type is FP8: [kPageTokens][row_bytes()], of which each holds
//   the first `latent` numbers as float8 | a float scale for each tile of kTile of them (the last
//   may be short) | the rest, the rotated key, as bfloat16.
// 512 + 64 numbers make 656 bytes, FlashMLA's record. A tile's scale is SimulateFloat8's with its
// defaults: s = max(max|x|, 1e-4) / 448, raised to a power of two, and q = float8(clamp(x / s)).
// What is read is q * s. As s is a power of two, that is exact in float and in bfloat16, equals
// what SimulateFloat8 leaves of x, and is stored again as the same number.
// Index keys:  [dim / 2][kPageTokens][2] numbers: element d of token s stands at
// (d / 2, s, d % 2), so that the fast kernel finds pairs of dims side by side and tokens in lanes.
inline constexpr int64_t kPageTokens = 64;

struct PageFormat {
  static constexpr int64_t kTile = 128;

  Number type = Number::BF16;  // F32 or BF16; FP8: latent records
  int64_t width = 0;           // numbers a token
  int64_t latent = 0;          // of a record: how many are float8; a multiple of 4, as scales align

  HOST_DEVICE constexpr int64_t tiles() const { return (latent + kTile - 1) / kTile; }
  // Where a record's bfloat16 numbers begin, in bytes; its scales begin at `latent`.
  HOST_DEVICE constexpr int64_t key_at() const { return latent + tiles() * int64_t(sizeof(float)); }
  HOST_DEVICE constexpr int64_t row_bytes() const {
    if (type != Number::FP8) return width * bytes_of(type);
    return key_at() + (width - latent) * int64_t(sizeof(Bfloat16));
  }
  int64_t bytes() const { return kPageTokens * row_bytes(); }
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
