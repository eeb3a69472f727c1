#pragma once

#include <memory>

#include "kernels/kernels.h"
#include "kernels/view.h"

namespace training {

// What layers are made of. Layers are written once, for any scalar: float runs on the kernels of
// the processor, double runs plain loops and judges the gradients by finite differences.
//
// Results depend on the arguments alone, never on the number of threads: sums have one order.

enum class Into { Write, Add };

// What products of floats round their factors to. Sums are in float.
enum class Precision { Float, Bfloat16 };

template <class T>
class Arithmetic;

template <>
class Arithmetic<float> {
 public:
  Arithmetic(Instructions level, int threads, Precision precision);
  ~Arithmetic();

  // y = x W^T, written or added. x [tokens, in], weight [out, in], y [tokens, out].
  void product(View<const float, 2> x, View<const float, 2> weight, View<float, 2> y, Into into);
  // dx = dy W. dy [tokens, out], dx [tokens, in].
  void input_gradient(View<const float, 2> dy, View<const float, 2> weight, View<float, 2> dx,
                      Into into);
  // dw += dy^T x.
  void weight_gradient(View<const float, 2> dy, View<const float, 2> x, View<float, 2> dw);
  // y = x W^T in Precision::Float whatever this one's is: where a rank depends on a small gap.
  void exact_product(View<const float, 2> x, View<const float, 2> weight, View<float, 2> y);

  Threads& threads();
  Kernels& kernels();
  Instructions level() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

template <>
class Arithmetic<double> {
 public:
  Arithmetic();
  ~Arithmetic();

  void product(View<const double, 2> x, View<const double, 2> weight, View<double, 2> y, Into into);
  void input_gradient(View<const double, 2> dy, View<const double, 2> weight, View<double, 2> dx,
                      Into into);
  void weight_gradient(View<const double, 2> dy, View<const double, 2> x, View<double, 2> dw);
  void exact_product(View<const double, 2> x, View<const double, 2> weight, View<double, 2> y);

  Threads& threads();  // one
  Instructions level() const { return Instructions::Plain; }

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace training
