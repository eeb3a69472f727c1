#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/kernels/agree.h"

// Numbers that kernels stumble over.

namespace kernel_test {

// Few different values, or many, of all sizes; zeros of both signs; infinities.
inline float drawn_score(Draws& draws, int64_t kind) {
  const float unit = draws.uniform();
  switch (kind) {
    case 0:
      return std::round(unit * 3);  // -3 ... 3, both zeros
    case 1:
      return unit > 0 ? unit : unit > -0.5f ? 0.f : -0.f;  // a plateau of half the row
    case 2:
      return unit > 0.8f ? INFINITY : unit < -0.8f ? -INFINITY : std::round(unit * 10);
    case 3:
      return std::ldexp(unit, int(draws.below(200)) - 140);  // subnormal ones too
    case 4:
      return 5 + std::round(unit * 8) * 0x1p-21f;  // apart in the last bits alone
    default:
      return unit;
  }
}

// Numbers of all sizes and ties, with what is not a number and what is not finite among them.
inline std::vector<float> odd_numbers(int64_t count, uint64_t seed) {
  Draws draws(seed);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(std::ldexp(draws.uniform(), int(draws.below(60)) - 40));
    if (draws.below(500) == 0) values.back() = NAN;
    if (draws.below(1500) == 0) values.back() = -INFINITY;
    if (draws.below(50) == 0) values.back() = -0.f;
    if (draws.below(3) == 0)
      values.back() = float(draws.below(64)) * 0.5f;  // ties at scale 1 and 2
  }
  return values;
}

}  // namespace kernel_test
