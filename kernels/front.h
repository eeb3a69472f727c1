#pragma once

#include "kernels/pages.h"
#include "kernels/quantise.h"
#include "kernels/rope.h"

// What happens to a token's vectors between attention's linear layers and its pages, each in one
// call. Vector by vector these are the operations of the separate kernels, in the order named
// below, and on every device they give those kernels' bits.

// How the first `dim` numbers of a vector turn, as in Rope.
struct Turn {
  int64_t dim = 0;                  // even
  View<const int32_t, 1> position;  // [tokens]
  View<const float, 3> table;       // [positions, dim / 2, 2]: cos, sin
  RopePairs pairs = RopePairs::Interleaved;
};

// LayerNorm, Rope, (published: RoundToBfloat16, Hadamard, SimulateFloat8 of the whole vector),
// store_index_key.
struct IndexKeyFront {
  View<float, 2> x;             // [tokens, dim]  in place: left as it was stored, in float
  View<const float, 1> weight;  // [dim]
  View<const float, 1> bias;    // [dim]
  float epsilon = 1e-6f;
  Turn turn;
  CacheNumerics numerics = CacheNumerics::Plain;
  View<unsigned char* const, 1> page;  // as in StoreRows
  View<const int32_t, 1> slot;
  int64_t offset = 0;
  PageFormat format;
};

// Rope, (published: RoundToBfloat16, Hadamard, SimulateFloat8 of each head's vector).
struct IndexQueryFront {
  View<float, 3> x;  // [tokens, heads, dim]  in place
  Turn turn;
  CacheNumerics numerics = CacheNumerics::Plain;
};

// RmsNorm of the latent, (published: SimulateFloat8 of its tiles), Rope of the key, both side by
// side, store_latent.
struct LatentFront {
  View<float, 2> latent;        // [tokens, latent]  whatever is left of it
  View<float, 2> key;           // [tokens, rope]  the same
  View<const float, 1> weight;  // [latent]
  float epsilon = 1e-6f;
  Turn turn;
  CacheNumerics numerics = CacheNumerics::Plain;  // published: kTile divides `latent` or exceeds it
  View<float, 2> stored;                          // [tokens, latent + rope]  written
  View<unsigned char* const, 1> page;             // as in StoreRows
  View<const int32_t, 1> slot;
  int64_t offset = 0;
  PageFormat format;

  // The numbers that share a scale where the published rounding is simulated.
  HOST_DEVICE constexpr int64_t group() const {
    return latent.extent[1] < PageFormat::kTile ? latent.extent[1] : PageFormat::kTile;
  }
};

// The same numbers, seen as vectors of one head, and heads seen as vectors.
inline View<float, 3> one_head(const View<float, 2>& x) {
  return {.data = x.data, .extent = {x.extent[0], 1, x.extent[1]}};
}
inline View<float, 2> vectors_of(const View<float, 3>& x) {
  return {.data = x.data, .extent = {x.extent[0] * x.extent[1], x.extent[2]}};
}

namespace cpu {
void index_key_front(const IndexKeyFront& args);
void index_query_front(const IndexQueryFront& args);
void latent_front(const LatentFront& args);
}  // namespace cpu
