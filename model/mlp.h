#pragma once

#include "model/work.h"

namespace model {

// The second half of a layer: SwiGLU, or a mixture of them (DeepSeek-V3, 2.1.2).
class FeedForward {
 public:
  explicit FeedForward(const Parts& parts);

  void run(int64_t layer, const Step& step, View<const float, 2> normed, View<float, 2> y);

  // The experts that the last mixture of `rows` rows sent them to: [rows, chosen].
  View<const int32_t, 2> chosen(int64_t rows) { return chosen_.view(rows, config_.chosen_experts); }

 private:
  void dense(const Mlp& mlp, View<const float, 2> x, View<float, 2> y);
  void mixture(int64_t layer, const MoeWeights& moe, View<const float, 2> x, View<float, 2> y);

  const Parts& parts_;
  const Config& config_;
  Buffer<float> gate_, up_;        // [rows, inner] or [pairs, expert_inner]
  Buffer<float> gathered_, made_;  // [pairs, hidden]
  Buffer<float> router_logits_, chosen_weight_;
  Buffer<int32_t> chosen_, first_, token_, slot_;
};

}  // namespace model
