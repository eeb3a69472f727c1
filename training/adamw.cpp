#include "training/adamw.h"

#include <cmath>

namespace training {

void adamw_step(const AdamWNumbers& numbers, const AdamWRates& rates) {
  const float scale = float(rates.gradient_scale);
  const float keep1 = float(rates.beta1), fresh1 = float(1 - rates.beta1);
  const float keep2 = float(rates.beta2), fresh2 = float(1 - rates.beta2);
  const float shrink = float(1 - rates.rate * rates.decay);
  const float reach = float(rates.rate / (1 - std::pow(rates.beta1, double(rates.step))));
  const float spread = float(1 / std::sqrt(1 - std::pow(rates.beta2, double(rates.step))));
  const float epsilon = float(rates.epsilon);
  for (std::size_t i = 0; i < numbers.weight.size(); ++i) {
    const float g = numbers.gradient[i] * scale;
    float &m = numbers.first[i], &v = numbers.second[i], &w = numbers.weight[i];
    m = keep1 * m + fresh1 * g;
    v = keep2 * v + fresh2 * g * g;
    w = shrink * w - reach * m / (std::sqrt(v) * spread + epsilon);
  }
}

}  // namespace training
