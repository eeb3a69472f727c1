#include "kernels/linear.h"

#include "kernels/simd/linear_bf16.h"
#include "kernels/simd/linear_float.h"

// The linear layers of the level this file is compiled for: what multiplies what stands in
// linear_bf16.h and linear_float.h, how it is shared out in linear_products.h. Judged by the twins
// in kernels/cpu/linear.cpp.

namespace {

template <class ProductOf>
void multiply(int64_t count, const ProductOf& product_of, Rounding rounding, Threads& threads) {
  if (count == 0) return;
  if (rounding == Rounding::None || product_of(0).weight.type == Number::F32)
    return multiply_products<FloatPath<Rounding::None>>(count, product_of, threads);
#if defined(__AVX512BF16__)
  multiply_products<Bf16Path>(count, product_of, threads);
#else
  multiply_products<FloatPath<Rounding::ToWeights>>(count, product_of, threads);
#endif
}

}  // namespace

template <>
void simd::linear<KERNEL_LEVEL>(const Linear& args, Threads& threads) {
  const Linear& a = args;
  assert(a.x.extent[1] == a.weight.cols && a.y.extent[1] == a.weight.rows);
  assert(a.x.extent[0] == a.y.extent[0]);
  const auto product = [&a](int64_t) {
    return Product{a.x.data, a.weight.cols, a.y.data, a.weight.rows, a.x.extent[0], a.weight};
  };
  multiply(1, product, a.rounding, threads);
}

template <>
void simd::grouped_linear<KERNEL_LEVEL>(const GroupedLinear& args, Threads& threads) {
  const GroupedLinear& a = args;
  const auto product = [&a](int64_t e) {
    const Matrix& w = a.weight.data[e];
    const int64_t first = a.first.data[e];
    return Product{a.x.data + first * w.cols,   w.cols, a.y.data + first * w.rows, w.rows,
                   a.first.data[e + 1] - first, w};
  };
  multiply(a.weight.extent[0], product, Rounding::ToWeights, threads);
}

template <>
void simd::expand_value<KERNEL_LEVEL>(const ExpandValue& args, Threads& threads) {
  const ExpandValue& a = args;
  const auto [tokens, heads, latent] = a.x.extent;
  const int64_t value = a.stride - a.skip, x_stride = heads * latent, y_stride = heads * value;
  assert(a.y.extent[2] == value && a.weight.cols == latent);
  const auto product = [&, tokens = tokens, latent = latent](int64_t h) {
    return Product{a.x.data + h * latent,
                   x_stride,
                   a.y.data + h * value,
                   y_stride,
                   tokens,
                   a.weight.part(h * a.stride + a.skip, value)};
  };
  multiply(heads, product, Rounding::ToWeights, threads);
}
