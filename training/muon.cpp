#include "training/muon.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/kernels.h"
#include "training/squares.h"

// The products are those of kernels/linear.h: y = x W^T. All of Newton-Schulz fits that form, since
// its polynomial is symmetric: (p x)^T = x^T p is a product of x^T's rows with p's. So the matrix
// is kept in both orientations. Tested in tests/training/muon_test.cpp.

namespace training {

namespace {

constexpr int kSteps = 5;
constexpr float kA = 3.4445f, kB = -4.7750f, kC = 2.0315f;
constexpr double kSmallestNorm = 1e-7;

using Floats = std::vector<float>;

// y = x^T, in tiles that stay in the nearest cache.
void transpose(View<const float, 2> x, View<float, 2> y) {
  constexpr int64_t kTile = 16;
  const auto [rows, cols] = x.extent;
  for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
    const int64_t r1 = std::min(r0 + kTile, rows);
    for (int64_t c0 = 0; c0 < cols; c0 += kTile) {
      const int64_t c1 = std::min(c0 + kTile, cols);
      for (int64_t c = c0; c < c1; ++c)
        for (int64_t r = r0; r < r1; ++r) y.data[c * rows + r] = x.data[r * cols + c];
    }
  }
}

class NewtonSchulz {
 public:
  // Of a matrix of `rows` <= `cols`.
  NewtonSchulz(int64_t rows, int64_t cols, Instructions level, Precision precision)
      : rows_(rows),
        cols_(cols),
        precision_(precision),
        kernels_(level, 1),
        x_(std::size_t(rows * cols)),
        transposed_(x_.size()),
        next_(x_.size()),
        gram_(std::size_t(rows * rows)),
        square_(gram_.size()) {}

  View<float, 2> x() { return {x_.data(), {rows_, cols_}}; }
  View<float, 2> transposed() { return {transposed_.data(), {cols_, rows_}}; }

  // Of x() and transposed(), which hold one matrix before and after.
  void step() {
    step_to_transposed();
    transpose(transposed(), x());
  }

  // The last step, of which one of the two is wanted.
  void step_to_x() {
    make_polynomial();
    multiply(polynomial(), transposed(), x());
  }
  void step_to_transposed() {
    make_polynomial();
    const View<float, 2> next{next_.data(), {cols_, rows_}};
    multiply(transposed(), polynomial(), next);
    transposed_.swap(next_);
  }

 private:
  static constexpr int64_t kStrip = 32;  // rows of a symmetric product that are taken at once

  View<float, 2> polynomial() { return {square_.data(), {rows_, rows_}}; }

  // a + b x x^T + c (x x^T)^2.
  void make_polynomial() {
    const View<float, 2> gram{gram_.data(), {rows_, rows_}}, square = polynomial();
    symmetric_product(x(), gram);
    symmetric_product(gram, square);
    for (std::size_t i = 0; i < square_.size(); ++i) square_[i] = kB * gram_[i] + kC * square_[i];
    for (int64_t i = 0; i < rows_; ++i) square(i, i) += kA;
  }

  void multiply(View<const float, 2> x, View<const float, 2> weight, View<float, 2> y) {
    multiply(x, factor(weight), y);
  }
  void multiply(View<const float, 2> x, const Matrix& weight, View<float, 2> y) {
    kernels_.linear({.x = x, .weight = weight, .y = y});
  }

  // What the product's right factor is read from.
  Matrix factor(View<const float, 2> x) {
    Matrix matrix{.rows = x.extent[0], .cols = x.extent[1], .data = x.data};
    if (precision_ == Precision::Float) return matrix;
    rounded_.resize(std::size_t(x.size()));
    std::transform(x.data, x.data + x.size(), rounded_.begin(),
                   [](float v) { return to_bfloat16(v); });
    matrix.type = Number::BF16;
    matrix.data = rounded_.data();
    return matrix;
  }

  // y = x x^T: strips of its lower triangle, and the upper one is their mirror image.
  void symmetric_product(View<const float, 2> x, View<float, 2> y) {
    const int64_t rows = x.extent[0];
    strip_.resize(std::size_t(std::min(rows, kStrip) * rows));
    const Matrix right = factor(x);
    for (int64_t first = 0; first < rows; first += kStrip) {
      const int64_t count = std::min(kStrip, rows - first), seen = first + count;
      const View<float, 2> strip{strip_.data(), {count, seen}};
      multiply(x.part(first, count), right.part(0, seen), strip);
      for (int64_t i = 0; i < count; ++i)
        std::copy_n(strip.data + i * seen, seen, y.data + (first + i) * rows);
      for (int64_t j = 0; j < first; ++j)
        for (int64_t i = 0; i < count; ++i) y.data[j * rows + first + i] = strip.data[i * seen + j];
    }
  }

  const int64_t rows_, cols_;
  const Precision precision_;
  HostKernels kernels_;
  Floats x_, transposed_, next_, gram_, square_, strip_;
  std::vector<Bfloat16> rounded_;
};

}  // namespace

void orthogonalise(View<float, 2> x, Instructions level, Precision precision) {
  const auto [rows, cols] = x.extent;
  const bool tall = rows > cols;
  const double norm = std::sqrt(sum_of_squares({x.data, std::size_t(x.size())}));
  const float scale = float(1 / (norm + kSmallestNorm));
  for (int64_t i = 0; i < x.size(); ++i) x.data[i] *= scale;

  NewtonSchulz work(std::min(rows, cols), std::max(rows, cols), level, precision);
  const View<float, 2> same = tall ? work.transposed() : work.x();
  const View<float, 2> other = tall ? work.x() : work.transposed();
  std::copy_n(x.data, x.size(), same.data);
  transpose(x, other);
  for (int step = 0; step + 1 < kSteps; ++step) work.step();
  tall ? work.step_to_transposed() : work.step_to_x();
  std::copy_n((tall ? work.transposed() : work.x()).data, x.size(), x.data);
}

void muon_step(const MuonMatrix& matrix, const MuonRates& rates, Instructions level,
               Precision precision) {
  const auto [rows, cols] = matrix.weight.extent;
  const int64_t size = rows * cols;
  const float kept = float(rates.momentum), fresh = float(1 - rates.momentum);
  const float scale = float(rates.gradient_scale);
  Floats update(std::size_t(size), 0.f);
  for (int64_t i = 0; i < size; ++i) {
    const float g = matrix.gradient.data[i] * scale;
    float& m = matrix.momentum.data[i];
    m = kept * m + fresh * g;
    update[std::size_t(i)] = fresh * g + kept * m;
  }

  orthogonalise({update.data(), {rows, cols}}, level, precision);

  const float shrink = float(1 - rates.rate * rates.decay);
  const float reach = float(rates.rate * std::sqrt(std::max(1.0, double(rows) / double(cols))));
  for (int64_t i = 0; i < size; ++i) {
    float& w = matrix.weight.data[i];
    w = shrink * w - reach * update[std::size_t(i)];
  }
}

}  // namespace training
