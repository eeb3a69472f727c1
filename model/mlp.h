#pragma once

#include "model/work.h"

namespace model {

// The second half of a layer: SwiGLU, or a mixture of them (DeepSeek-V3, 2.1.2).
class FeedForward {
 public:
  explicit FeedForward(const Parts& parts);

  void run(int64_t layer, const Step& step, View<const float, 2> normed, View<float, 2> y);

  int64_t mixtures() const { return mixtures_; }  // layers that are one
  // The experts that a layer sent rows to in a step of `rows` rows: [rows, chosen], if routing is
  // Record. Where all of one step stand one behind the other.
  View<int32_t, 2> chosen(int64_t layer, int64_t rows);

 private:
  void dense(const Mlp& mlp, View<const float, 2> x, View<float, 2> y);
  void mixture(int64_t layer, const Step& step, View<const float, 2> x, View<float, 2> y);
  void send(int64_t layer, View<int32_t, 2> expert, View<const float, 2> x);
  enum class Part { Gate, Up, Down };
  View<const Matrix, 1> experts(int64_t layer, Part part);

  const Parts& parts_;
  const Config& config_;
  const std::vector<int64_t> place_;  // of each layer among the mixtures; -1: it is dense
  const int64_t mixtures_;
  Buffer<Matrix> matrices_;        // [mixtures, parts, experts]
  Buffer<float> gate_, up_;        // [rows, inner] or [pairs, expert_inner]
  Buffer<float> gathered_, made_;  // [pairs, hidden]
  Buffer<float> router_logits_, chosen_weight_;
  Buffer<int32_t> chosen_, first_, token_, slot_;
};

}  // namespace model
