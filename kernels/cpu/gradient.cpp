#include "kernels/gradient.h"

#include <algorithm>
#include <cmath>
#include <limits>

// The definitions of training's kernels. Sums are in the scalar's own type.

template <class T>
void cpu::swiglu_backward(const SwiGluBackward<T>& args) {
  for (int64_t i = 0; i < args.gate.size(); ++i) {
    const T gate = args.gate.data[i], up = args.up.data[i], ds = args.ds.data[i];
    const T sigmoid = 1 / (1 + std::exp(-gate)), silu = gate * sigmoid;
    args.dgate.data[i] = ds * up * sigmoid * (1 + gate * (1 - sigmoid));
    args.dup.data[i] = ds * silu;
    args.s.data[i] = silu * up;
  }
}

template <class T>
void cpu::rms_norm_backward(const RmsNormBackward<T>& args) {
  const auto [tokens, dim] = args.x.extent;
  std::fill_n(args.partial.data, args.partial.size(), T(0));
  for (int64_t t = 0; t < tokens; ++t) {
    T squares = 0, product = 0;
    for (int64_t c = 0; c < dim; ++c) {
      squares += args.x(t, c) * args.x(t, c);
      product += args.weight(c) * args.dy(t, c) * args.x(t, c);
    }
    const T r = 1 / std::sqrt(squares / T(dim) + T(args.epsilon));
    const T factor = product * r * r * r / T(dim);
    for (int64_t c = 0; c < dim; ++c) {
      const T x = args.x(t, c), dy = args.dy(t, c);
      const T dx = r * args.weight(c) * dy - factor * x;
      args.partial(t / args.kTokens, c) += dy * x * r;
      if (args.result == RmsNormBackward<T>::Result::Added)
        args.dx(t, c) += dx;
      else
        args.dx(t, c) = dx;
    }
  }
}

template <class T>
void cpu::combine_backward(const CombineBackward<T>& args) {
  const auto [tokens, chosen] = args.slot.extent;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t j = 0; j < chosen; ++j) {
      const int32_t slot = args.slot(t, j);
      T dot = 0;
      for (int64_t c = 0; c < args.dy.extent[1]; ++c) {
        dot += args.dy(t, c) * args.x(slot, c);
        args.dx(slot, c) = args.weight(t, j) * args.dy(t, c);
      }
      args.dweight(t, j) = dot;
    }
  }
}

namespace {

bool keeps(const View<const uint64_t, 2>& kept, int64_t t, int64_t id) {
  return kept.data == nullptr || (kept(t, id / 64) >> (id % 64) & 1) != 0;
}

}  // namespace

template <class T>
void cpu::cross_entropy(const CrossEntropy<T>& args) {
  const auto [tokens, ids] = args.logits.extent;
  for (int64_t t = 0; t < tokens; ++t) {
    args.log_sum(t) = args.log_probability(t) = args.entropy(t) = 0;
    const int32_t target = args.target(t);
    if (target < 0) continue;
    T largest = -std::numeric_limits<T>::infinity(), sum = 0, mean = 0;
    for (int64_t i = 0; i < ids; ++i)
      if (keeps(args.kept, t, i)) largest = std::max(largest, args.logits(t, i));
    for (int64_t i = 0; i < ids; ++i) {
      if (!keeps(args.kept, t, i)) continue;
      const T below = args.logits(t, i) - largest;
      sum += std::exp(below);
      mean += std::exp(below) * below;
    }
    args.log_sum(t) = largest + std::log(sum);
    args.log_probability(t) = args.logits(t, target) - largest - std::log(sum);
    args.entropy(t) = std::log(sum) - mean / sum;
  }
}

template <class T>
void cpu::cross_entropy_backward(const CrossEntropyBackward<T>& args) {
  const auto [tokens, ids] = args.logits.extent;
  for (int64_t t = 0; t < tokens; ++t) {
    const int32_t target = args.target(t);
    for (int64_t i = 0; i < ids; ++i) {
      T share = 0;
      if (target >= 0 && keeps(args.kept, t, i))
        share = std::exp(args.logits(t, i) - args.log_sum(t)) - T(i == target);
      args.dlogits(t, i) = target < 0 ? T(0) : args.coefficient(t) * share;
    }
  }
}

#define INSTANTIATE(T)                                             \
  template void cpu::swiglu_backward(const SwiGluBackward<T>&);    \
  template void cpu::rms_norm_backward(const RmsNormBackward<T>&); \
  template void cpu::combine_backward(const CombineBackward<T>&);  \
  template void cpu::cross_entropy(const CrossEntropy<T>&);        \
  template void cpu::cross_entropy_backward(const CrossEntropyBackward<T>&)
INSTANTIATE(float);
INSTANTIATE(double);
#undef INSTANTIATE
