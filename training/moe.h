#pragma once

#include <span>

#include "model/config.h"
#include "training/mlp.h"
#include "training/parameters.h"

namespace training {

// A mixture of experts behind DeepSeek-V3's router without groups (kernels/router.h):
//
//   s = sigmoid(x router^T);  chosen: the largest s + bias, of equal ones the lower index
//   y = sum over chosen of gate_e E_e(x) + shared(x);  gate_e = scale s_e (/ sum of the chosen's s)
//
// The choice is a constant to the gradient, and the bias gets none. The balance loss of a document
// of n tokens is sum_e f_e P_e, with f_e = experts / (chosen n) * tokens that chose e and P_e = the
// mean of s_e / sum of s: its gradient goes through P (DeepSeek-V3, 2.1.2).
//
// Kept for backward: the router's scores, gathered inputs, inner products and outputs of the
// experts; not x, which the caller keeps.
template <class T>
class MoeLayer {
 public:
  explicit MoeLayer(const model::Config& config);

  struct Input {
    View<const T, 2> x;              // [tokens, hidden]
    std::span<const int32_t> first;  // of the documents, as Batch's
    // If not empty: the experts of token t are recorded[t * stride] and the chosen - 1 behind it,
    // or those that the router chooses, if that is -1.
    std::span<const int32_t> recorded = {};
    int64_t stride = 0;
  };

  // Writes or adds to y; returns the mean of the balance loss over the documents. Throws
  // std::out_of_range if a recorded expert is none, or is chosen twice by a token.
  double forward(Arithmetic<T>& arithmetic, const MoeViews<const T>& weights, const Input& input,
                 View<T, 2> y, Into into);

  // Of the last forward pass: [tokens, chosen], and how many tokens chose each: [experts].
  std::span<const int32_t> experts() const;
  std::span<const int64_t> load() const;

  // Once after each forward, with its weights and input. Adds the gradients of what follows y and
  // of balance_weight * what forward returned. dx is written or added to, and is neither x nor dy.
  void backward(Arithmetic<T>& arithmetic, const MoeViews<const T>& weights, const Input& input,
                View<const T, 2> dy, double balance_weight, View<T, 2> dx, Into into,
                const MoeViews<T>& gradients);

 private:
  void choose(View<const T, 1> bias, const Input& input, Threads& threads);
  void take_recorded(const Input& input);
  void weigh(Threads& threads);
  double balance(std::span<const int32_t> first, Threads& threads);
  void run_experts(Arithmetic<T>& arithmetic, const MoeViews<const T>& weights, View<const T, 2> x,
                   View<T, 2> y);
  MlpInner<T> inner_part(int64_t first, int64_t count);
  void score_gradient(const Input& input, View<const T, 2> dgate, double balance_weight,
                      View<T, 2> dlogit, Threads& threads);

  const int64_t experts_, chosen_, inner_;
  const bool normalise_, shares_;
  const T scale_;
  int64_t tokens_ = 0;
  std::vector<int64_t> load_;

  MlpLayer<T> shared_;
  Buffer<T> score_, dlogit_;                   // [tokens, experts]
  Buffer<T> gate_, dgate_, ones_;              // [tokens, chosen]
  Buffer<int32_t> expert_, slot_;              // [tokens, chosen]
  Buffer<int32_t> first_pair_, pair_token_;    // [experts + 1], [pairs]
  Buffer<T> x_, dx_;                           // [pairs, hidden]
  Buffer<T> y_;                                // [pairs, hidden]; backward: its gradient
  Buffer<T> inner_gate_, inner_up_, product_;  // [pairs, inner]
  Buffer<T> share_;                            // [documents, experts]: f
  Buffer<double> loss_;                        // [documents]
};

}  // namespace training
