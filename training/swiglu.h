#pragma once

#include "training/arithmetic.h"

namespace training {

// s = silu(gate) * up, silu(x) = x / (1 + exp(-x)). All [tokens, inner]; s is written.
template <class T>
void swiglu_forward(Arithmetic<T>& arithmetic, View<const T, 2> gate, View<const T, 2> up,
                    View<T, 2> s);

// From gate and up, which forward leaves as they are, and ds: their gradients, written; and s once
// more, so that it need not be kept. Outputs may be inputs: each place is read before it is
// written.
template <class T>
struct SwigluGradient {
  View<const T, 2> gate, up, ds;
  View<T, 2> dgate, dup, s;
};
template <class T>
void swiglu_backward(Arithmetic<T>& arithmetic, const SwigluGradient<T>& args);

}  // namespace training
