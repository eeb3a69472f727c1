#include "kernels/linear.h"
#include "kernels/simd/linear_float.h"

// Absorbing MLA's key matrix into the query: y[t, h, :] = sum_r x[t, h, r] * W_h[r, :]. Lanes are
// columns of W, each weight is widened (and scaled) in a register and met by a tile of tokens. Each
// output is one chain of fused multiplications over r in ascending order, whatever the tile.

namespace {

constexpr int64_t kSpanCols = 256;  // of a task: half a head's columns in DeepSeek's models
constexpr int kTileSums = kLanes == 16 ? 16 : 8;  // registers of running sums in a tile
constexpr int kTileTokens = 4;

// A tile of outputs: tokens of one head, from column `col` on.
struct AbsorbTile {
  const float* x;  // [tokens][x_stride], the head's `nope` numbers first
  float* y;        // [tokens][y_stride], the tile's columns first
  int64_t x_stride, y_stride;
  int64_t first_row, rows;  // of W
  int64_t col;
};

// Lanes of W's row r from column c on: value(r, c). Past the last column: 0.
template <Number type>
[[gnu::always_inline]] inline Lanes values(const Matrix& w, int64_t r, int64_t c) {
  const auto* p = static_cast<const unsigned char*>(w.data) + (r * w.cols + c) * bytes_of(type);
  alignas(64) unsigned char rest[kLanes * 4];
  if (c + kLanes > w.cols) {
    std::memset(rest, 0, sizeof rest);
    std::memcpy(rest, p, std::size_t((w.cols - c) * bytes_of(type)));
    p = rest;
  }
  const Lanes number = load_weights<type>(p);
  if constexpr (!has_scales(type)) return number;
  return multiply(number, all(scales_of(w, r)[c / Matrix::kBlock]));
}

inline void store_lanes(float* y, Lanes x, int64_t count) {
  if (count >= kLanes) return store(y, x);
  alignas(64) float lanes[kLanes];
  store(lanes, x);
  std::memcpy(y, lanes, std::size_t(count) * sizeof(float));
}

template <Number type, int tokens, int vectors>
void absorb_tile(const Matrix& w, const AbsorbTile& tile) {
  Lanes sums[tokens][vectors];
#pragma GCC unroll 4
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) sums[i][v] = zeros();
  for (int64_t r = 0; r < tile.rows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      const Lanes weights = values<type>(w, tile.first_row + r, tile.col + v * kLanes);
#pragma GCC unroll 4
      for (int i = 0; i < tokens; ++i)
        sums[i][v] = multiply_add(all(tile.x[i * tile.x_stride + r]), weights, sums[i][v]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v)
      store_lanes(tile.y + i * tile.y_stride + v * kLanes, sums[i][v],
                  w.cols - tile.col - v * kLanes);
}

template <Number type, int vectors>
void absorb_tokens(const Matrix& w, AbsorbTile tile, int64_t tokens) {
  for (int64_t t = 0; t < tokens; t += kTileTokens) {
    const int64_t left = tokens - t;
    if (left == 1) absorb_tile<type, 1, vectors>(w, tile);
    if (left == 2) absorb_tile<type, 2, vectors>(w, tile);
    if (left == 3) absorb_tile<type, 3, vectors>(w, tile);
    if (left >= 4) absorb_tile<type, 4, vectors>(w, tile);
    tile.x += kTileTokens * tile.x_stride;
    tile.y += kTileTokens * tile.y_stride;
  }
}

// The columns from `col` to `end` of one head, for all tokens.
template <Number type>
void absorb_span(const AbsorbQuery& args, int64_t head, int64_t col, int64_t end) {
  const auto [tokens, heads, nope] = args.x.extent;
  const int64_t latent = args.weight.cols;
  AbsorbTile tile{args.x.data + head * nope,
                  args.y.data + head * latent + col,
                  heads * nope,
                  heads * latent,
                  head * args.stride,
                  nope,
                  col};
  constexpr int alone = kTileSums, shared = kTileSums / kTileTokens;
  while (tile.col < end) {
    const int64_t left = end - tile.col;
    int64_t step = kLanes;
    if (tokens == 1 && left >= alone * kLanes) {
      absorb_tile<type, 1, alone>(args.weight, tile);
      step = alone * kLanes;
    } else if (left >= shared * kLanes) {
      absorb_tokens<type, shared>(args.weight, tile, tokens);
      step = shared * kLanes;
    } else {
      absorb_tokens<type, 1>(args.weight, tile, tokens);
    }
    tile.col += step;
    tile.y += step;
  }
}

}  // namespace

template <>
void simd::absorb_query<KERNEL_LEVEL>(const AbsorbQuery& args, Threads& threads) {
  const int64_t latent = args.weight.cols;
  assert(args.y.extent[2] == latent && args.x.extent[2] <= args.stride);
  const int64_t spans = (latent + kSpanCols - 1) / kSpanCols;
  threads.run(args.x.extent[1] * spans, [&args, spans](int64_t task) {
    const int64_t head = task / spans, col = task % spans * kSpanCols;
    const int64_t end = smaller(args.weight.cols, col + kSpanCols);
    switch (args.weight.type) {
      case Number::F32:
        return absorb_span<Number::F32>(args, head, col, end);
      case Number::BF16:
        return absorb_span<Number::BF16>(args, head, col, end);
      case Number::FP8:
        return absorb_span<Number::FP8>(args, head, col, end);
      case Number::Int8:
        return absorb_span<Number::Int8>(args, head, col, end);
    }
  });
}
