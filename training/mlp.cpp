#include "training/mlp.h"

#include "training/swiglu.h"

namespace training {

template <class T>
void mlp_forward(Arithmetic<T>& arithmetic, const MlpViews<const T>& weights, View<const T, 2> x,
                 const MlpInner<T>& inner, View<T, 2> y, Into into) {
  arithmetic.product(x, weights.gate, inner.gate, Into::Write);
  arithmetic.product(x, weights.up, inner.up, Into::Write);
  swiglu_forward<T>(arithmetic, inner.gate, inner.up, inner.product);
  arithmetic.product(inner.product, weights.down, y, into);
}

template <class T>
void mlp_backward(Arithmetic<T>& arithmetic, const MlpViews<const T>& weights, View<const T, 2> x,
                  const MlpInner<T>& inner, View<const T, 2> dy, View<T, 2> dx, Into into,
                  const MlpViews<T>& gradients) {
  arithmetic.input_gradient(dy, weights.down, inner.product, Into::Write);
  swiglu_backward(arithmetic, SwigluGradient<T>{.gate = inner.gate,
                                                .up = inner.up,
                                                .ds = inner.product,
                                                .dgate = inner.gate,
                                                .dup = inner.up,
                                                .s = inner.product});
  arithmetic.weight_gradient(dy, inner.product, gradients.down);
  arithmetic.weight_gradient(inner.gate, x, gradients.gate);
  arithmetic.weight_gradient(inner.up, x, gradients.up);
  arithmetic.input_gradient(inner.gate, weights.gate, dx, into);
  arithmetic.input_gradient(inner.up, weights.up, dx, Into::Add);
}

template <class T>
void MlpLayer<T>::forward(Arithmetic<T>& arithmetic, const MlpViews<const T>& weights,
                          View<const T, 2> x, View<T, 2> y, Into into) {
  const int64_t tokens = x.extent[0], inner = weights.gate.extent[0];
  mlp_forward(arithmetic, weights, x,
              MlpInner<T>{.gate = gate_.matrix(tokens, inner),
                          .up = up_.matrix(tokens, inner),
                          .product = product_.matrix(tokens, inner)},
              y, into);
}

template <class T>
void MlpLayer<T>::backward(Arithmetic<T>& arithmetic, const MlpViews<const T>& weights,
                           View<const T, 2> x, View<const T, 2> dy, View<T, 2> dx, Into into,
                           const MlpViews<T>& gradients) {
  const int64_t tokens = x.extent[0], inner = weights.gate.extent[0];
  mlp_backward(arithmetic, weights, x,
               MlpInner<T>{.gate = gate_.matrix(tokens, inner),
                           .up = up_.matrix(tokens, inner),
                           .product = product_.matrix(tokens, inner)},
               dy, dx, into, gradients);
}

#define INSTANTIATE(T)                                                                   \
  template void mlp_forward(Arithmetic<T>&, const MlpViews<const T>&, View<const T, 2>,  \
                            const MlpInner<T>&, View<T, 2>, Into);                       \
  template void mlp_backward(Arithmetic<T>&, const MlpViews<const T>&, View<const T, 2>, \
                             const MlpInner<T>&, View<const T, 2>, View<T, 2>, Into,     \
                             const MlpViews<T>&);                                        \
  template class MlpLayer<T>
INSTANTIATE(float);
INSTANTIATE(double);
#undef INSTANTIATE

}  // namespace training
