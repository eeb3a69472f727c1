#include "kernels/linear.h"

// The definition of the linear layers, and the judge of every faster version.
// Sums are in double, so that a disagreement is the other side's rounding.

namespace {

double number_at(const Matrix& w, int64_t r, int64_t c) {
  const int64_t i = r * w.cols + c;
  switch (w.type) {
    case Number::F32:
      return static_cast<const float*>(w.data)[i];
    case Number::BF16:
      return to_float(static_cast<const Bfloat16*>(w.data)[i]);
    case Number::FP8:
      return to_float(static_cast<const Float8*>(w.data)[i]);
    case Number::Int8:
      return static_cast<const int8_t*>(w.data)[i];
  }
  return 0;
}

double value_at(const Matrix& w, int64_t r, int64_t c) {
  const double number = number_at(w, r, c);
  if (w.type != Number::FP8 && w.type != Number::Int8) return number;
  return number * w.scale((w.first_row + r) / w.scale_rows, c / Matrix::kBlock);
}

double input(float x, Number weights, Rounding rounding) {
  const bool exact = rounding == Rounding::None || weights == Number::F32;
  return exact ? x : to_float(to_bfloat16(x));
}

// sum_c x[c] * W[r, c]
float dot(const float* x, const Matrix& w, int64_t r, Rounding rounding) {
  double sum = 0;
  for (int64_t c = 0; c < w.cols; ++c) sum += input(x[c], w.type, rounding) * value_at(w, r, c);
  return float(sum);
}

}  // namespace

void cpu::linear(const Linear& args) {
  const auto& [x, weight, y, rounding] = args;
  for (int64_t t = 0; t < x.extent[0]; ++t)
    for (int64_t r = 0; r < weight.rows; ++r)
      y(t, r) = dot(x.data + t * weight.cols, weight, r, rounding);
}

void cpu::grouped_linear(const GroupedLinear& args) {
  const auto& [x, weight, first, y] = args;
  for (int64_t e = 0; e < weight.extent[0]; ++e) {
    const int64_t pairs = first(e + 1) - first(e);
    linear({.x = x.part(first(e), pairs), .weight = weight(e), .y = y.part(first(e), pairs)});
  }
}

void cpu::absorb_query(const AbsorbQuery& args) {
  const auto& [x, weight, stride, y] = args;
  const auto [tokens, heads, nope] = x.extent;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t c = 0; c < weight.cols; ++c) {
        double sum = 0;
        for (int64_t r = 0; r < nope; ++r)
          sum += double(x(t, h, r)) * value_at(weight, h * stride + r, c);
        y(t, h, c) = float(sum);
      }
    }
  }
}

void cpu::expand_value(const ExpandValue& args) {
  const auto& [x, weight, stride, skip, y] = args;
  const auto [tokens, heads, value] = y.extent;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t r = 0; r < value; ++r)
        y(t, h, r) = dot(&x(t, h, 0), weight, h * stride + skip + r, Rounding::ToWeights);
}
