#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/config_parts.h"

namespace model {
namespace {

// Which pair turns `rotations` times within the original context: the i at which
// theta^(-2 i / dim) * original_positions = 2 pi rotations.
double pair_with(double rotations, const Config& config) {
  const double ratio = double(config.yarn->original_positions) / (rotations * 2 * std::numbers::pi);
  return double(config.rope) * std::log(ratio) / (2 * std::log(config.rope_theta));
}

// Radians per position of every pair. With YaRN, pairs that turn often within the original context
// keep their frequency, slow ones are stretched by `factor`, those between are blended.
std::vector<double> frequencies(const Config& config) {
  std::vector<double> frequency(std::size_t(config.rope / 2));
  for (std::size_t i = 0; i < frequency.size(); ++i)
    frequency[i] = std::pow(config.rope_theta, -2 * double(i) / double(config.rope));
  if (!config.yarn) return frequency;

  const double low = std::max(std::floor(pair_with(config.yarn->beta_fast, config)), 0.0);
  double high = std::min(std::ceil(pair_with(config.yarn->beta_slow, config)),  //
                         double(config.rope - 1));
  if (low == high) high += 0.001;  // as transformers: the ramp becomes a step
  for (std::size_t i = 0; i < frequency.size(); ++i) {
    const double slow = std::clamp((double(i) - low) / (high - low), 0.0, 1.0);
    frequency[i] *= slow / config.yarn->factor + (1 - slow);
  }
  return frequency;
}

}  // namespace

std::vector<float> rope_table(const Config& config, int64_t positions) {
  const std::vector<double> frequency = frequencies(config);
  const double magnitude = rope_magnitude(config);
  std::vector<float> table(std::size_t(positions) * frequency.size() * 2);
  float* entry = table.data();
  for (int64_t p = 0; p < positions; ++p)
    for (const double f : frequency) {
      *entry++ = float(std::cos(double(p) * f) * magnitude);
      *entry++ = float(std::sin(double(p) * f) * magnitude);
    }
  return table;
}

}  // namespace model
