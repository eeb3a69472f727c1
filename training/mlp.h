#pragma once

#include "training/arithmetic.h"
#include "training/buffer.h"
#include "training/parameters.h"

namespace training {

// y = (silu(x gate^T) * (x up^T)) down^T. Keeps both inner products; backward finds the product of
// the two again and leaves the gradients where they stood.
template <class T>
class MlpLayer {
 public:
  // x [tokens, hidden], y [tokens, hidden]: written or added to.
  void forward(Arithmetic<T>& arithmetic, const MlpViews<const T>& weights, View<const T, 2> x,
               View<T, 2> y, Into into);
  // Once after each forward, with its weights and x. dx is written or added to and is neither x
  // nor dy; `gradients` are added to.
  void backward(Arithmetic<T>& arithmetic, const MlpViews<const T>& weights, View<const T, 2> x,
                View<const T, 2> dy, View<T, 2> dx, Into into, const MlpViews<T>& gradients);

 private:
  Buffer<T> gate_, up_, product_;  // [tokens, inner]
};

// The same where the caller keeps the inner products, for experts. All [tokens, inner].
template <class T>
struct MlpInner {
  View<T, 2> gate, up;  // kept between the two
  View<T, 2> product;   // scratch
};
template <class T>
void mlp_forward(Arithmetic<T>& arithmetic, const MlpViews<const T>& weights, View<const T, 2> x,
                 const MlpInner<T>& inner, View<T, 2> y, Into into);
template <class T>
void mlp_backward(Arithmetic<T>& arithmetic, const MlpViews<const T>& weights, View<const T, 2> x,
                  const MlpInner<T>& inner, View<const T, 2> dy, View<T, 2> dx, Into into,
                  const MlpViews<T>& gradients);

}  // namespace training
