#pragma once

#include "kernels/number.h"

// A weight matrix as a checkpoint stores it, row-major, rows being outputs. It is read in place
// (from a mapped file, say): `data` has the alignment of one number only.
//
//   value(r, c) = number(r, c)                                          F32, BF16
//               = number(r, c) * scale(row(r) / scale_rows, c / kBlock)  FP8, Int8
//
// with row(r) = first_row + r, so that a slice of rows need not start at a block's edge. Blocks at
// the right and lower edge may be cut (DeepSeek-V3, README_WEIGHTS.md).
struct Matrix {
  static constexpr int64_t kBlock = 128;

  Number type = Number::F32;
  int64_t rows = 0;  // outputs
  int64_t cols = 0;  // inputs
  const void* data = nullptr;
  View<const float, 2> scale = {};  // [ceil(all rows / scale_rows), ceil(cols / kBlock)]
  int64_t scale_rows = kBlock;      // rows that share a scale: kBlock for FP8, 1 for Int8
  int64_t first_row = 0;            // of the slice, counted in all the rows that `scale` covers

  HOST_DEVICE Matrix part(int64_t first, int64_t count) const {
    assert(0 <= first && first + count <= rows);
    Matrix slice = *this;
    slice.rows = count;
    slice.data = static_cast<const unsigned char*>(data) + first * cols * bytes_of(type);
    slice.first_row = first_row + first;
    return slice;
  }
  int64_t bytes() const { return rows * cols * bytes_of(type) + scale.size() * 4; }
};
