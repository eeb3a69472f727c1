#pragma once

#include <cstdint>
#include <functional>

#include "kernels/matrix.h"
#include "kernels/simd/scratch.h"
#include "kernels/threads.h"

// How a set of products y = x W^T of equal shape (one layer, or many experts or heads) is cut into
// tasks for the threads. Rows of x are rounded and packed once, in blocks that fit a core's second
// cache; a task multiplies one block by one tile of rows of W. How the cuts fall never shows in the
// result: each y(t, r) is one chain of operations over the columns in ascending order.
namespace {

constexpr int64_t kBlockTokens = 126;           // of x in a block, at most
constexpr int64_t kBlockBytes = 512 * 1024;     // of a block's packed x, beyond one tile
constexpr int64_t kPackedBytes = 8 << 20;       // of all blocks at work at one time, beyond one
constexpr int64_t kBlocksMost = 512;            // at work at one time
constexpr int64_t kRowTileBytes = 128 * 1024;   // of W that a task reads, beyond one group of rows
constexpr int64_t kPackAloneBytes = 64 * 1024;  // of packed x: below, threads are not worth waking

constexpr int64_t kGroupRows = 4;  // of W, multiplied side by side

// y[t, r] = sum_c x[t, c] * weight[r, c]
struct Product {
  const float* x = nullptr;  // [tokens, weight.cols]
  int64_t x_stride = 0;      // numbers from one token to the next
  float* y = nullptr;        // [tokens, weight.rows]  written
  int64_t y_stride = 0;
  int64_t tokens = 0;
  Matrix weight = {};
};

// Some tokens of a product and their rows of x as the path wants them.
struct Block {
  Product part;
  unsigned char* packed = nullptr;
};

// A run of rows of W.
struct RowRange {
  int64_t first = 0;
  int64_t count = 0;
};

// A block's tokens in tiles of nearly equal size, none above `most`.
struct TokenTiles {
  int64_t count, base, extra;  // the first `extra` tiles have one token more than `base`

  TokenTiles(int64_t tokens, int64_t most)
      : count((tokens + most - 1) / most), base(tokens / count), extra(tokens % count) {}
  int64_t first(int64_t tile) const { return tile * base + (tile < extra ? tile : extra); }
  int64_t size(int64_t tile) const { return base + (tile < extra ? 1 : 0); }
};

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t bigger(int64_t a, int64_t b) { return a > b ? a : b; }

struct Cuts {
  int64_t token_bytes;   // of a packed token
  int64_t block_tokens;  // at most
  int64_t tile_rows;     // of W in a task, at most
  int64_t row_tiles;
};

template <class Path>
Cuts cut(const Matrix& weight) {
  const int64_t row_bytes = weight.cols * bytes_of(weight.type);
  const int64_t groups = bigger(1, kRowTileBytes / bigger(1, row_bytes * kGroupRows));
  const int64_t tile = smaller(groups, 64) * kGroupRows;
  const int64_t token = Path::packed_bytes(weight.cols);
  const int64_t most = bigger(Path::tile_tokens(weight.type), kBlockBytes / bigger(1, token));
  return {token, smaller(most, kBlockTokens), tile, (weight.rows + tile - 1) / tile};
}

// What the threads work on together.
struct Work {
  const Block* block;
  Cuts cuts;
};

template <class Path>
void multiply_blocks(const Block* block, int64_t blocks, const Cuts& cuts, Threads& threads) {
  const Work work{block, cuts};
  int64_t bytes = 0;
  for (int64_t b = 0; b < blocks; ++b) bytes += block[b].part.tokens * cuts.token_bytes;
  if (bytes < kPackAloneBytes) {
    for (int64_t b = 0; b < blocks; ++b) Path::pack(block[b]);
  } else {
    threads.run(blocks, [&work](int64_t b) { Path::pack(work.block[b]); });
  }
  threads.run(blocks * cuts.row_tiles, [&work](int64_t task) {
    const Block& mine = work.block[task / work.cuts.row_tiles];
    const int64_t first = task % work.cuts.row_tiles * work.cuts.tile_rows;
    const int64_t rows = smaller(work.cuts.tile_rows, mine.part.weight.rows - first);
    Path::multiply(mine, RowRange{first, rows});
  });
}

// Multiplies `count` products that product_of(i) names. All have weights of one shape and type.
template <class Path, class ProductOf>
void multiply_products(int64_t count, const ProductOf& product_of, Threads& threads) {
  thread_local Scratch block_memory, packed_memory;
  if (count == 0) return;
  const Cuts cuts = cut<Path>(product_of(0).weight);
  if (cuts.row_tiles == 0) return;
  Block* block = block_memory.numbers<Block>(kBlocksMost);
  unsigned char* packed = packed_memory.numbers<unsigned char>(
      std::size_t(kPackedBytes + cuts.block_tokens * cuts.token_bytes));

  int64_t blocks = 0, used = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Product whole = product_of(i);
    for (int64_t t = 0; t < whole.tokens; t += cuts.block_tokens) {
      if (blocks == kBlocksMost || used > kPackedBytes) {
        multiply_blocks<Path>(block, blocks, cuts, threads);
        blocks = used = 0;
      }
      Product part = whole;
      part.x += t * whole.x_stride;
      part.y += t * whole.y_stride;
      part.tokens = smaller(cuts.block_tokens, whole.tokens - t);
      block[blocks++] = Block{part, packed + used};
      used += part.tokens * cuts.token_bytes;
    }
  }
  if (blocks > 0) multiply_blocks<Path>(block, blocks, cuts, threads);
}

// The scales of row r's blocks, one for each kBlock columns.
inline const float* scales_of(const Matrix& w, int64_t r) {
  return w.scale.data + (w.first_row + r) / w.scale_rows * w.scale.extent[1];
}

}  // namespace
