#include "training/norm.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "training/levels.h"

namespace training {
namespace {

// sum[c] += each row of `partial` in turn.
template <class T>
void add_rows(View<const T, 2> partial, View<T, 1> sum) {
  const int64_t dim = sum.extent[0];
  for (int64_t row = 0; row < partial.extent[0]; ++row)
    for (int64_t c = 0; c < dim; ++c) sum.data[c] += partial.data[row * dim + c];
}

constexpr int64_t kTokensATask = 64;  // whose contributions to a weight's gradient are one sum

int64_t tasks_of(int64_t tokens) { return (tokens + kTokensATask - 1) / kTokensATask; }

template <class T>
struct Moments {
  T mean, inverse;  // of the root of the variance
};

template <class T>
Moments<T> moments(const T* x, int64_t dim, T epsilon) {
  T sum = 0, squares = 0;
  for (int64_t c = 0; c < dim; ++c) sum += x[c];
  const T mean = sum / T(dim);
  for (int64_t c = 0; c < dim; ++c) squares += (x[c] - mean) * (x[c] - mean);
  return {mean, 1 / std::sqrt(squares / T(dim) + epsilon)};
}

// With n the normalised x: dx = inverse (w dy - mean(w dy) - n mean(w dy n)).
template <class T>
void layer_norm_row(const T* x, const T* weight, const T* dy, int64_t dim, T epsilon, T* dx,
                    Into into, T* dweight, T* dbias) {
  const Moments<T> m = moments(x, dim, epsilon);
  T slope = 0, along = 0;
  for (int64_t c = 0; c < dim; ++c) {
    slope += weight[c] * dy[c];
    along += weight[c] * dy[c] * (x[c] - m.mean) * m.inverse;
  }
  slope /= T(dim);
  along /= T(dim);
  for (int64_t c = 0; c < dim; ++c) {
    const T n = (x[c] - m.mean) * m.inverse, from = dy[c];
    const T result = m.inverse * (weight[c] * from - slope - n * along);
    dx[c] = into == Into::Add ? dx[c] + result : result;
    dweight[c] += from * n;
    dbias[c] += from;
  }
}

}  // namespace

template <class T>
void RmsNormLayer<T>::forward(Arithmetic<T>& arithmetic, View<const T, 2> x,
                              View<const T, 1> weight, View<T, 2> y) const {
  if constexpr (std::is_same_v<T, float>) {
    arithmetic.kernels().rms_norm({.x = x, .weight = weight, .epsilon = epsilon, .y = y});
  } else {
    const auto [tokens, dim] = x.extent;
    for (int64_t t = 0; t < tokens; ++t) {
      T squares = 0;
      for (int64_t c = 0; c < dim; ++c) squares += x(t, c) * x(t, c);
      const T r = 1 / std::sqrt(squares / T(dim) + T(epsilon));
      for (int64_t c = 0; c < dim; ++c) y(t, c) = x(t, c) * r * weight(c);
    }
  }
}

template <class T>
void RmsNormLayer<T>::backward(Arithmetic<T>& arithmetic, View<const T, 2> x,
                               View<const T, 1> weight, View<const T, 2> dy, View<T, 2> dx,
                               Into into, View<T, 1> dweight) {
  using Backward = RmsNormBackward<T>;
  const int64_t parts = (x.extent[0] + Backward::kTokens - 1) / Backward::kTokens;
  const View<T, 2> sums = partial.matrix(parts, x.extent[1]);
  rms_norm_backward(
      Level{arithmetic.level(), arithmetic.threads()},
      Backward{.x = x,
               .weight = weight,
               .epsilon = epsilon,
               .dy = dy,
               .dx = dx,
               .result = into == Into::Add ? Backward::Result::Added : Backward::Result::Written,
               .partial = sums});
  add_rows<T>(sums, dweight);
}

template <class T>
void LayerNormLayer<T>::forward(Arithmetic<T>& arithmetic, View<const T, 2> x,
                                View<const T, 1> weight, View<const T, 1> bias,
                                View<T, 2> y) const {
  if constexpr (std::is_same_v<T, float>) {
    arithmetic.kernels().layer_norm(
        {.x = x, .weight = weight, .bias = bias, .epsilon = epsilon, .y = y});
  } else {
    const auto [tokens, dim] = x.extent;
    for (int64_t t = 0; t < tokens; ++t) {
      const Moments<T> m = moments(x.data + t * dim, dim, T(epsilon));
      for (int64_t c = 0; c < dim; ++c)
        y(t, c) = (x(t, c) - m.mean) * m.inverse * weight(c) + bias(c);
    }
  }
}

template <class T>
void LayerNormLayer<T>::backward(Arithmetic<T>& arithmetic, View<const T, 2> x,
                                 View<const T, 1> weight, View<const T, 2> dy, View<T, 2> dx,
                                 Into into, View<T, 1> dweight, View<T, 1> dbias) {
  const int64_t tokens = x.extent[0], dim = x.extent[1], tasks = tasks_of(tokens);
  const View<T, 2> sums = partial.matrix(2 * tasks, dim);
  arithmetic.threads().run(tasks, [&](int64_t task) {
    T *dw = sums.data + task * dim, *db = dw + tasks * dim;
    std::fill_n(dw, dim, T(0));
    std::fill_n(db, dim, T(0));
    const int64_t end = std::min(tokens, (task + 1) * kTokensATask);
    for (int64_t t = task * kTokensATask; t < end; ++t)
      layer_norm_row(x.data + t * dim, weight.data, dy.data + t * dim, dim, T(epsilon),
                     dx.data + t * dim, into, dw, db);
  });
  add_rows<T>(sums.part(0, tasks), dweight);
  add_rows<T>(sums.part(tasks, tasks), dbias);
}

template struct RmsNormLayer<float>;
template struct RmsNormLayer<double>;
template struct LayerNormLayer<float>;
template struct LayerNormLayer<double>;

}  // namespace training
