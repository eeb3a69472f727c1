#pragma once

#include "kernels/simd/document_tiles.h"

// Private to kernels/simd: what one query does with the rows of the keys chosen for it. Rows are
// whole registers wide, padded by zeros.
namespace {

template <int... lane>
[[gnu::always_inline]] inline Floats sum_of_pairs(Floats a, Floats b,
                                                  std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(a, b, (2 * lane)...) +
         __builtin_shufflevector(a, b, (2 * lane + 1)...);
}

// Lane i is the sum over the lanes of x[i].
[[gnu::always_inline]] inline Floats sums_of_registers(Floats (&x)[kLanes]) {
#pragma GCC unroll 4
  for (int count = kLanes; count > 1; count /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < count / 2; ++i) x[i] = sum_of_pairs(x[2 * i], x[2 * i + 1], LaneNumbers());
  return x[0];
}

// Rows of a matrix, and which of them.
struct ChosenRows {
  const float* data;
  int64_t width;         // of a row, whole registers
  const int32_t* index;  // [count rounded up to kLanes]: places past count repeat one of them
  int64_t count;
};

// to[j] = x . row j, for whole registers of j.
inline void dot_rows(const float* x, const ChosenRows& rows, float* to) {
  for (int64_t j = 0; j < rows.count; j += kLanes) {
    const float* row[kLanes];
    for (int i = 0; i < kLanes; ++i) row[i] = rows.data + rows.index[j + i] * rows.width;
    Floats sum[kLanes];
    const Floats first = load(x, kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) sum[i] = first * load(row[i], kLanes);
    for (int64_t c = kLanes; c < rows.width; c += kLanes) {
      const Floats part = load(x + c, kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) sum[i] = fused(part, load(row[i] + c, kLanes), sum[i]);
    }
    store(to + j, sums_of_registers(sum), kLanes);
  }
}

template <int registers>
inline void sum_rows_of(const float* factor, const ChosenRows& rows, int64_t column, float* to) {
  Floats sum[registers] = {};
  for (int64_t j = 0; j < rows.count; ++j) {
    const float* row = rows.data + rows.index[j] * rows.width + column;
    const Floats x = all(factor[j]);
#pragma GCC unroll 4
    for (int c = 0; c < registers; ++c) sum[c] = fused(x, load(row + c * kLanes, kLanes), sum[c]);
  }
#pragma GCC unroll 4
  for (int c = 0; c < registers; ++c) store(to + column + c * kLanes, sum[c], kLanes);
}

// to = sum over j of factor[j] * row j.
inline void sum_rows(const float* factor, const ChosenRows& rows, float* to) {
  for (int64_t c = 0; c < rows.width; c += 4 * kLanes) {
    switch (at_most(4, (rows.width - c) / kLanes)) {
      case 1:
        sum_rows_of<1>(factor, rows, c, to);
        break;
      case 2:
        sum_rows_of<2>(factor, rows, c, to);
        break;
      case 3:
        sum_rows_of<3>(factor, rows, c, to);
        break;
      default:
        sum_rows_of<4>(factor, rows, c, to);
    }
  }
}

// Row j of `sums` += factor[j] * x, for the rows that `rows` names.
inline void add_to_rows(const float* factor, const float* x, const ChosenRows& rows, float* sums) {
  for (int64_t c = 0; c < rows.width; c += kLanes) {
    const Floats part = load(x + c, kLanes);
    for (int64_t j = 0; j < rows.count; ++j) {
      float* row = sums + rows.index[j] * rows.width + c;
      store(row, fused(all(factor[j]), part, load(row, kLanes)), kLanes);
    }
  }
}

}  // namespace
