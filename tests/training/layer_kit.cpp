#include "tests/training/layer_kit.h"

#include <algorithm>

namespace layer_test {

Numbers numbers(int64_t count, uint64_t seed) {
  Numbers result(static_cast<std::size_t>(count));
  uint64_t state = seed * 0x9E3779B97F4A7C15u;
  for (double& x : result) {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    x = double((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
  }
  return result;
}

double gradient_error(Numbers& x, const Numbers& gradient, const std::function<double()>& loss) {
  constexpr double kStep = 1e-5;
  constexpr uint64_t kDirections = 4;
  constexpr std::size_t kEntries = 12;
  if (x.size() != gradient.size() || x.empty()) return INFINITY;
  const Numbers base = x;
  const double usual = std::sqrt(dot(gradient, gradient) / double(x.size()));
  const auto error = [&](const Numbers& direction) {
    const auto at = [&](double step) {
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = base[i] + step * direction[i];
      return loss();
    };
    const double slope = (at(kStep) - at(-kStep)) / (2 * kStep);
    const double expected = dot(gradient, direction);
    return std::abs(slope - expected) / std::max({std::abs(expected), usual, 1e-12});
  };
  double worst = 0;
  for (uint64_t i = 0; i < kDirections; ++i)
    worst = std::max(worst, error(numbers(int64_t(x.size()), 1000 + i)));
  const std::size_t stride = std::max<std::size_t>(1, x.size() / kEntries);
  for (std::size_t i = 0; i < x.size(); i += stride) {
    Numbers one(x.size());
    one[i] = 1;
    worst = std::max(worst, error(one));
  }
  x = base;
  return worst;
}

std::vector<Instructions> levels() {
  std::vector<Instructions> result = {Instructions::Plain};
  const Instructions best = best_instructions();
  if (best >= Instructions::Avx2) result.push_back(Instructions::Avx2);
  if (best >= Instructions::Avx512) result.push_back(Instructions::Avx512);
  return result;
}

}  // namespace layer_test
