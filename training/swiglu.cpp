#include "training/swiglu.h"

#include <cmath>
#include <type_traits>

#include "training/levels.h"

namespace training {

template <class T>
void swiglu_forward(Arithmetic<T>& arithmetic, View<const T, 2> gate, View<const T, 2> up,
                    View<T, 2> s) {
  if constexpr (std::is_same_v<T, float>) {
    arithmetic.kernels().swiglu({.gate = gate, .up = up, .y = s});
  } else {
    for (int64_t i = 0; i < s.size(); ++i) {
      const T x = gate.data[i];
      s.data[i] = x / (1 + std::exp(-x)) * up.data[i];
    }
  }
}

template <class T>
void swiglu_backward(Arithmetic<T>& arithmetic, const SwigluGradient<T>& args) {
  swiglu_backward(Level{arithmetic.level(), arithmetic.threads()},
                  SwiGluBackward<T>{.gate = args.gate,
                                    .up = args.up,
                                    .ds = args.ds,
                                    .dgate = args.dgate,
                                    .dup = args.dup,
                                    .s = args.s});
}

template void swiglu_forward(Arithmetic<float>&, View<const float, 2>, View<const float, 2>,
                             View<float, 2>);
template void swiglu_forward(Arithmetic<double>&, View<const double, 2>, View<const double, 2>,
                             View<double, 2>);
template void swiglu_backward(Arithmetic<float>&, const SwigluGradient<float>&);
template void swiglu_backward(Arithmetic<double>&, const SwigluGradient<double>&);

}  // namespace training
