#include "training/arithmetic.h"

#include <algorithm>

#include "training/buffer.h"
#include "training/levels.h"

// All three products are the inference engine's linear layer y = x W^T:
//
//   product          x          W              weights rounded as they lie
//   input_gradient   dy         W transposed
//   weight_gradient  dy^T       x^T            in chunks of tokens, each added to what is there
//
// The second factor is what is stored in bfloat16; the first is rounded where it is packed.

namespace training {
namespace {

// Of a weight gradient's chunk: so many that adding it costs little, so few that a slice of x^T
// stays in a core's second cache. No power of two: columns of the transposed factors would meet in
// one set of the first cache. Part of the order in which sums are taken.
constexpr int64_t kChunkTokens = int64_t(31) * 64;

// Rows of a product that are added before they leave the second cache.
constexpr int64_t kAddedTokens = 1008;

Matrix matrix_of(View<const float, 2> x) {
  return {.type = Number::F32, .rows = x.extent[0], .cols = x.extent[1], .data = x.data};
}
Matrix matrix_of(View<const Bfloat16, 2> x) {
  return {.type = Number::BF16, .rows = x.extent[0], .cols = x.extent[1], .data = x.data};
}

}  // namespace

class Arithmetic<float>::Impl {
 public:
  Impl(Instructions level, int count, Precision precision)
      : kernels(level, count), threads(count), precision_(precision) {}

  HostKernels kernels;
  Threads threads;

  Level level() { return {kernels.level(), threads}; }

  void product(View<const float, 2> x, View<const float, 2> weight, View<float, 2> y, Into into) {
    if (y.size() == 0) return;
    multiply(x, stored(weight), y, into);
  }

  void input_gradient(View<const float, 2> dy, View<const float, 2> weight, View<float, 2> dx,
                      Into into) {
    if (dx.size() == 0) return;
    multiply(dy, transposed(weight), dx, into);
  }

  void weight_gradient(View<const float, 2> dy, View<const float, 2> x, View<float, 2> dw) {
    const int64_t tokens = x.extent[0];
    for (int64_t first = 0; first < tokens; first += kChunkTokens) {
      const int64_t count = std::min(kChunkTokens, tokens - first);
      const View<float, 2> turned = dy_.matrix(dy.extent[1], count);
      transpose(level(), Transpose<float>{.x = dy.part(first, count), .y = turned});
      multiply(turned, transposed(x.part(first, count)), dw, Into::Add);
    }
  }

 private:
  Matrix stored(View<const float, 2> weight) {
    if (precision_ == Precision::Float) return matrix_of(weight);
    const View<Bfloat16, 2> rounded = halves_.matrix(weight.extent[0], weight.extent[1]);
    bfloat16_copy(level(), {.x = weight, .y = rounded});
    return matrix_of(rounded);
  }

  Matrix transposed(View<const float, 2> x) {
    if (precision_ == Precision::Float) {
      const View<float, 2> turned = floats_.matrix(x.extent[1], x.extent[0]);
      transpose(level(), Transpose<float>{.x = x, .y = turned});
      return matrix_of(turned);
    }
    const View<Bfloat16, 2> turned = halves_.matrix(x.extent[1], x.extent[0]);
    transpose(level(), Transpose<Bfloat16>{.x = x, .y = turned});
    return matrix_of(turned);
  }

  void multiply(View<const float, 2> x, const Matrix& weight, View<float, 2> y, Into into) {
    if (into == Into::Write) {
      kernels.linear({.x = x, .weight = weight, .y = y});
      return;
    }
    for (int64_t first = 0; first < y.extent[0]; first += kAddedTokens) {
      const int64_t count = std::min(kAddedTokens, y.extent[0] - first);
      const View<float, 2> sum = sum_.matrix(count, y.extent[1]);
      kernels.linear({.x = x.part(first, count), .weight = weight, .y = sum});
      kernels.add({.x = sum, .y = y.part(first, count)});
    }
  }

  Precision precision_;
  Buffer<float> floats_, dy_, sum_;
  Buffer<Bfloat16> halves_;
};

Arithmetic<float>::Arithmetic(Instructions level, int threads, Precision precision)
    : impl_(std::make_unique<Impl>(level, threads, precision)) {}

Arithmetic<float>::~Arithmetic() = default;

void Arithmetic<float>::product(View<const float, 2> x, View<const float, 2> weight,
                                View<float, 2> y, Into into) {
  impl_->product(x, weight, y, into);
}

void Arithmetic<float>::input_gradient(View<const float, 2> dy, View<const float, 2> weight,
                                       View<float, 2> dx, Into into) {
  impl_->input_gradient(dy, weight, dx, into);
}

void Arithmetic<float>::weight_gradient(View<const float, 2> dy, View<const float, 2> x,
                                        View<float, 2> dw) {
  impl_->weight_gradient(dy, x, dw);
}

void Arithmetic<float>::exact_product(View<const float, 2> x, View<const float, 2> weight,
                                      View<float, 2> y) {
  if (y.size() == 0) return;
  impl_->kernels.linear({.x = x, .weight = matrix_of(weight), .y = y, .rounding = Rounding::None});
}

Threads& Arithmetic<float>::threads() { return impl_->threads; }
Kernels& Arithmetic<float>::kernels() { return impl_->kernels; }
Instructions Arithmetic<float>::level() const { return impl_->kernels.level(); }

class Arithmetic<double>::Impl {
 public:
  Threads threads{1};
};

Arithmetic<double>::Arithmetic() : impl_(std::make_unique<Impl>()) {}

Arithmetic<double>::~Arithmetic() = default;

void Arithmetic<double>::product(View<const double, 2> x, View<const double, 2> weight,
                                 View<double, 2> y, Into into) {
  const auto [tokens, in] = x.extent;
  const int64_t out = weight.extent[0];
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t r = 0; r < out; ++r) {
      const double *a = x.data + t * in, *b = weight.data + r * in;
      double sum = into == Into::Add ? y(t, r) : 0;
      for (int64_t c = 0; c < in; ++c) sum += a[c] * b[c];
      y(t, r) = sum;
    }
  }
}

void Arithmetic<double>::input_gradient(View<const double, 2> dy, View<const double, 2> weight,
                                        View<double, 2> dx, Into into) {
  const auto [out, in] = weight.extent;
  if (into == Into::Write) std::fill_n(dx.data, dx.size(), 0.);
  for (int64_t t = 0; t < dy.extent[0]; ++t) {
    for (int64_t r = 0; r < out; ++r) {
      const double *row = weight.data + r * in, factor = dy(t, r);
      double* sum = dx.data + t * in;
      for (int64_t c = 0; c < in; ++c) sum[c] += factor * row[c];
    }
  }
}

void Arithmetic<double>::weight_gradient(View<const double, 2> dy, View<const double, 2> x,
                                         View<double, 2> dw) {
  const auto [out, in] = dw.extent;
  for (int64_t t = 0; t < dy.extent[0]; ++t) {
    for (int64_t r = 0; r < out; ++r) {
      const double *row = x.data + t * in, factor = dy(t, r);
      double* sum = dw.data + r * in;
      for (int64_t c = 0; c < in; ++c) sum[c] += factor * row[c];
    }
  }
}

void Arithmetic<double>::exact_product(View<const double, 2> x, View<const double, 2> weight,
                                       View<double, 2> y) {
  product(x, weight, y, Into::Write);
}

Threads& Arithmetic<double>::threads() { return impl_->threads; }

}  // namespace training
