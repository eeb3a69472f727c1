#pragma once

#include <cstring>

#include "kernels/simd/scratch.h"
#include "kernels/simd/vector.h"

// Private to kernels/simd: small products of matrices, for attention over documents.
namespace {

constexpr int64_t kPanel = 2 * kLanes;  // columns of a tile
constexpr int64_t kTileRows = 6;        // its sums fill the registers of either level
constexpr int64_t kBlockRows = 48;      // queries that share what is loaded
constexpr int64_t kAllPanels = 32;      // rows of numbers are rounded up to this many

inline int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t rounded_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// C[r, c] = sum over k of A[r, k] B[k, c], each in ascending order of k by fused multiplications,
// from 0 or from what C holds.
struct SmallProduct {
  const float* a;
  int64_t a_row, a_column;  // strides
  const float* b;
  int64_t b_row;
  int64_t depth;
  float* c;
  int64_t c_row;
  enum class Begin { Zero, Held } begin = Begin::Zero;
};

template <int rows, int registers>
[[gnu::always_inline]] inline void multiply_tile(const SmallProduct& p) {
  Floats sum[rows][registers];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int c = 0; c < registers; ++c)
      sum[r][c] = p.begin == SmallProduct::Begin::Held
                      ? load(p.c + r * p.c_row + c * kLanes, kLanes)
                      : Floats{};
  const float* a = p.a;
  const float* b = p.b;
  const int64_t a_row = p.a_row, a_column = p.a_column, b_row = p.b_row;
  for (int64_t k = 0; k < p.depth; ++k, a += a_column, b += b_row) {
    Floats w[registers];
#pragma GCC unroll 2
    for (int c = 0; c < registers; ++c) w[c] = load(b + c * kLanes, kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const Floats x = all(a[r * a_row]);
#pragma GCC unroll 2
      for (int c = 0; c < registers; ++c) sum[r][c] = fused(x, w[c], sum[r][c]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int c = 0; c < registers; ++c) store(p.c + r * p.c_row + c * kLanes, sum[r][c], kLanes);
}

template <int registers>
inline void multiply_rows(const SmallProduct& p, int64_t rows) {
  switch (rows) {
    case 1:
      return multiply_tile<1, registers>(p);
    case 2:
      return multiply_tile<2, registers>(p);
    case 3:
      return multiply_tile<3, registers>(p);
    case 4:
      return multiply_tile<4, registers>(p);
    case 5:
      return multiply_tile<5, registers>(p);
    default:
      return multiply_tile<6, registers>(p);
  }
}

// At most kTileRows rows by any whole number of registers.
inline void multiply_strip(SmallProduct p, int64_t rows, int64_t columns) {
  for (; columns >= kPanel; columns -= kPanel, p.b += kPanel, p.c += kPanel)
    multiply_rows<2>(p, rows);
  if (columns > 0) multiply_rows<1>(p, rows);
}

// Any number of rows.
inline void multiply(SmallProduct p, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r += kTileRows) {
    multiply_strip(p, at_most(kTileRows, rows - r), columns);
    p.a += kTileRows * p.a_row;
    p.c += kTileRows * p.c_row;
  }
}

// A vector of `count` numbers of each of `rows` tokens, `stride` numbers from one to the next.
struct Vectors {
  const float* data;
  int64_t stride;
  int64_t count;
};

// to[row, first + c], in rows of `width` numbers.
inline void copy_rows(const Vectors& from, int64_t rows, float* to, int64_t width) {
  for (int64_t i = 0; i < rows; ++i)
    __builtin_memcpy(to + i * width, from.data + i * from.stride,
                     std::size_t(from.count) * sizeof(float));
}

inline void clear(float* to, int64_t numbers) {
  __builtin_memset(to, 0, std::size_t(numbers) * sizeof(float));
}

// Keys as columns: panels of kPanel keys, [panel][dim][kPanel], zeros past the last key.
// `rows` has `width` numbers a key.
inline void make_panels(const float* rows, int64_t keys, int64_t width, int64_t dim,
                        float* panels) {
  for (int64_t s = 0; s < keys; s += kPanel, panels += dim * kPanel) {
    const int64_t count = at_most(kPanel, keys - s);
    if (count < kPanel) clear(panels, dim * kPanel);
    for (int64_t i = 0; i < count; ++i) {
      const float* row = rows + (s + i) * width;
      for (int64_t c = 0; c < dim; ++c) panels[c * kPanel + i] = row[c];
    }
  }
}

// Products of `rows` vectors with all keys of the panels that any of them sees, the first of which
// sees `seen` keys, the next one more: score[rows, score_row]. Columns past a whole panel are not
// written.
inline void multiply_panels(const float* vectors, int64_t width, const float* panels, int64_t dim,
                            int64_t rows, int64_t seen, float* score, int64_t score_row) {
  for (int64_t s = 0; s < seen + rows - 1; s += kPanel, panels += dim * kPanel) {
    // Earlier strips need not see this panel.
    int64_t r = at_least(0, s - (seen + kTileRows - 1) + 1);
    r = r / kTileRows * kTileRows;
    for (; r < rows; r += kTileRows)
      multiply_rows<2>({vectors + r * width, width, 1, panels, kPanel, dim,
                        score + r * score_row + s, score_row},
                       at_most(kTileRows, rows - r));
  }
}

}  // namespace
