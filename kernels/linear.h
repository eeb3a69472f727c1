#pragma once

#include "kernels/instructions.h"
#include "kernels/matrix.h"

class Threads;

// What multiplies what.
enum class Rounding {
  ToWeights,  // inputs are rounded to bfloat16 unless the weights are F32; sums are in float
  None,       // inputs stay float: router, indexer weights, wherever a rank depends on a small gap
};

// y = x W^T. Each y(t, r) depends on x[t] and W's row r alone, and its sum is taken in an order
// that depends on `cols` alone: the same bits whatever `rows of x`, threads or slice of W.
struct Linear {
  View<const float, 2> x;  // [tokens, cols]
  Matrix weight;           // [rows, cols]
  View<float, 2> y;        // [tokens, rows]  written
  Rounding rounding = Rounding::ToWeights;
};

// The same for tokens that are sorted by expert: those of expert e are first[e] ... first[e + 1]
// - 1. y(t, r) has the bits that Linear would give it.
struct GroupedLinear {
  View<const float, 2> x;        // [pairs, cols]
  View<const Matrix, 1> weight;  // [experts], all of one shape and type
  View<const int32_t, 1> first;  // [experts + 1], first[0] = 0, last = pairs
  View<float, 2> y;              // [pairs, rows]  written
};

// y[t, h, :] = sum_r x[t, h, r] * W_h[r, :], where W_h is the h-th group of `stride` rows of
// `weight`, of which the first x.extent[2] count: absorbs the key half of MLA's kv_b into the
// query. x stays float. Sums run over r in ascending order.
struct AbsorbQuery {
  View<const float, 3> x;  // [tokens, heads, nope]
  Matrix weight;           // [heads * stride, latent]
  int64_t stride = 0;      // rows per head: nope + value dims
  View<float, 3> y;        // [tokens, heads, latent]  written
};

// y[t, h, r] = sum_c x[t, h, c] * W_h[r, c], where W_h is the h-th group of `stride` rows of
// `weight`, from its row `skip` on: expands MLA's attended latent into values. Bits as of Linear.
struct ExpandValue {
  View<const float, 3> x;  // [tokens, heads, latent]
  Matrix weight;           // [heads * stride, latent]
  int64_t stride = 0;
  int64_t skip = 0;  // nope
  View<float, 3> y;  // [tokens, heads, value]  written; value = stride - skip
};

namespace cpu {
void linear(const Linear& args);
void grouped_linear(const GroupedLinear& args);
void absorb_query(const AbsorbQuery& args);
void expand_value(const ExpandValue& args);
}  // namespace cpu

namespace simd {
template <Instructions level>
void linear(const Linear& args, Threads& threads);
template <Instructions level>
void grouped_linear(const GroupedLinear& args, Threads& threads);
template <Instructions level>
void absorb_query(const AbsorbQuery& args, Threads& threads);
template <Instructions level>
void expand_value(const ExpandValue& args, Threads& threads);
}  // namespace simd
