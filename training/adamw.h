#pragma once

#include <cstdint>
#include <span>

namespace training {

// AdamW (Loshchilov and Hutter 2019): Adam with decay that does not pass through the moments.
//
//   m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2
//   w = (1 - rate decay) w - rate (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + epsilon)
//
// g is `gradient` * gradient_scale.
struct AdamWRates {
  double rate = 2e-3;
  double beta1 = 0.9, beta2 = 0.98;
  double epsilon = 1e-8;
  double decay = 0;
  double gradient_scale = 1;
  int64_t step = 1;  // from 1
};

struct AdamWNumbers {
  std::span<float> weight;  // updated
  std::span<const float> gradient;
  std::span<float> first, second;  // m, v: updated
};

void adamw_step(const AdamWNumbers& numbers, const AdamWRates& rates);

}  // namespace training
