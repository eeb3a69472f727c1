#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <span>
#include <string>
#include <vector>

// How a fast kernel is held against its twin, and numbers that such tests can fail on.
namespace kernel_test {

// A difference is allowed up to absolute + relative * |expected|.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
};

// True, or a sentence that names the place.
struct Agreement {
  bool holds = true;
  std::string why = {};
  explicit operator bool() const { return holds; }
};

inline std::ostream& operator<<(std::ostream& out, const Agreement& agreement) {
  return out << (agreement.holds ? std::string("agrees") : agreement.why);
}

inline std::string at(std::size_t i, float actual, float expected) {
  return "[" + std::to_string(i) + "]: " + std::to_string(actual) + ", expected " +
         std::to_string(expected);
}

// Infinities and NaN must stand in the same places (and have the same sign); the rest must be
// within the tolerance. Reports the worst place.
inline Agreement agree(std::span<const float> actual, std::span<const float> expected,
                       Tolerance tolerance = {}) {
  if (actual.size() != expected.size()) return {false, "the sizes differ"};
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const bool both_nan = std::isnan(actual[i]) && std::isnan(expected[i]);
    if (std::isfinite(actual[i]) && std::isfinite(expected[i])) continue;
    if (!both_nan && !(actual[i] == expected[i]))
      return {false, "not finite at " + at(i, actual[i], expected[i])};
  }
  double worst = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (!std::isfinite(expected[i])) continue;
    const double allowed = tolerance.absolute + tolerance.relative * std::fabs(expected[i]);
    const double excess = std::fabs(double(actual[i]) - double(expected[i])) - allowed;
    if (excess > worst) worst = excess, where = i;
  }
  if (worst == 0) return {};
  return {false, "worst at " + at(where, actual[where], expected[where])};
}

// The same bits, so that -0 differs from 0 and one NaN from another.
inline Agreement same_bits(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size()) return {false, "the sizes differ"};
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (std::memcmp(&actual[i], &expected[i], sizeof(float)) != 0)
      return {false, "first at " + at(i, actual[i], expected[i])};
  return {};
}

// A fixed sequence for each seed (SplitMix64).
class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t count) { return int64_t(bits() % uint64_t(count)); }
  float uniform() { return float(int64_t(bits() >> 40) - (1 << 23)) * 0x1p-23f; }  // [-1, 1)

 private:
  uint64_t state_;
};

// Uniform in [-1, 1), with about one number in 61 made 32 times as large: sums of even noise hide
// errors that one large term brings to light.
inline std::vector<float> numbers(int64_t count, uint64_t seed) {
  Draws draws(seed);
  std::vector<float> values(std::size_t(count), 0.f);
  for (float& value : values) {
    value = draws.uniform();
    if (draws.below(61) == 0) value *= 32;
  }
  return values;
}

// What an output holds before a kernel writes it: whatever it leaves out shows.
inline std::vector<float> poisoned(int64_t count) {
  return std::vector<float>(std::size_t(count), std::nanf(""));
}

}  // namespace kernel_test
