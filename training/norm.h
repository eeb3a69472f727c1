#pragma once

#include "training/arithmetic.h"
#include "training/buffer.h"

namespace training {

// y[t] = x[t] * (mean of x[t]^2 + epsilon)^-1/2 * weight. Nothing is saved: backward finds the root
// again from x, which the caller keeps.
template <class T>
struct RmsNormLayer {
  float epsilon = 1e-6f;
  Buffer<T> partial = {};  // scratch of backward

  // x [tokens, dim], weight [dim], y [tokens, dim]: written, may be x.
  void forward(Arithmetic<T>& arithmetic, View<const T, 2> x, View<const T, 1> weight,
               View<T, 2> y) const;
  // dx is written or added to, and may be dy if it is written; dweight is added to.
  void backward(Arithmetic<T>& arithmetic, View<const T, 2> x, View<const T, 1> weight,
                View<const T, 2> dy, View<T, 2> dx, Into into, View<T, 1> dweight);
};

// y[t] = (x[t] - mean) * (variance + epsilon)^-1/2 * weight + bias. Nothing is saved.
template <class T>
struct LayerNormLayer {
  float epsilon = 1e-6f;
  Buffer<T> partial = {};  // scratch of backward

  void forward(Arithmetic<T>& arithmetic, View<const T, 2> x, View<const T, 1> weight,
               View<const T, 1> bias, View<T, 2> y) const;
  void backward(Arithmetic<T>& arithmetic, View<const T, 2> x, View<const T, 1> weight,
                View<const T, 2> dy, View<T, 2> dx, Into into, View<T, 1> dweight,
                View<T, 1> dbias);
};

}  // namespace training
