#include "kernels/norm.h"

#include <cmath>

// Sums are in double, so that a disagreement is the other side's rounding.

void cpu::rms_norm(const RmsNorm& args) {
  const auto& [x, weight, epsilon, y] = args;
  const auto [tokens, dim] = x.extent;
  for (int64_t t = 0; t < tokens; ++t) {
    double squares = 0;
    for (int64_t c = 0; c < dim; ++c) squares += double(x(t, c)) * x(t, c);
    const double scale = 1 / std::sqrt(squares / double(dim) + epsilon);
    for (int64_t c = 0; c < dim; ++c) y(t, c) = float(x(t, c) * scale * weight(c));
  }
}

void cpu::layer_norm(const LayerNorm& args) {
  const auto& [x, weight, bias, epsilon, y] = args;
  const auto [tokens, dim] = x.extent;
  for (int64_t t = 0; t < tokens; ++t) {
    double sum = 0;
    for (int64_t c = 0; c < dim; ++c) sum += x(t, c);
    const double mean = sum / double(dim);
    double squares = 0;
    for (int64_t c = 0; c < dim; ++c) squares += (x(t, c) - mean) * (x(t, c) - mean);
    const double scale = 1 / std::sqrt(squares / double(dim) + epsilon);
    for (int64_t c = 0; c < dim; ++c)
      y(t, c) = float((x(t, c) - mean) * scale * weight(c) + bias(c));
  }
}
