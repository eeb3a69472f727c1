#include "training/calculation.h"

#include <fmt/format.h>

#include "theorems/arithmetic_steps.h"

namespace training {
namespace {

using theorems::Random;

// What follows the first "=" of a step is the answer.
Calculation cut(const std::string& step) {
  const std::size_t begin = step.find('=') + 1;
  return {step.substr(0, begin), step.substr(begin)};
}

int64_t with_digits(int digits, Random& random) {
  constexpr int64_t kLeast[] = {0, 2, 10, 100, 1000, 10000};
  return random.between(kLeast[digits], kLeast[digits + 1] - (digits == 1 ? 1 : 0) - 1);
}

int64_t modulus(Random& random) {
  return random.chance(0.7) ? random.between(2, 12) : random.between(13, 29);
}

Calculation short_product(Random& random) {
  const int64_t place = random.chance(0.3) ? 10 : 1;
  return cut(theorems::product_steps(with_digits(2, random),
                                     theorems::Integer(place) * with_digits(1, random)));
}

Calculation sum_or_difference(Random& random) {
  int64_t a = with_digits(int(random.between(1, 4)), random);
  int64_t b = with_digits(int(random.between(1, 4)), random);
  if (random.chance(0.5)) return cut(theorems::sum_step(a, b));
  if (a < b) std::swap(a, b);
  return cut(theorems::difference_step(a, b));
}

// As the coefficients of a sum by induction are put together: "-36+10=-26".
Calculation signed_sum(Random& random) {
  const int64_t most = random.chance(0.5) ? 99 : 399;
  int64_t a = random.between(2, most);
  if (random.chance(0.4)) a = -a;
  const int64_t b = random.between(2, most);
  return cut(random.chance(0.6) ? theorems::sum_step(a, b) : theorems::difference_step(a, b));
}

Calculation long_product(Random& random) {
  const int64_t a = with_digits(2, random), b = with_digits(2, random);
  return {fmt::format("{}*{}: ", a, b), theorems::product_steps(a, b)};
}

Calculation division(Random& random) {
  const int64_t a = with_digits(int(random.between(2, 4)), random), m = modulus(random);
  return {fmt::format("{} (mod {}): ", a, m), theorems::division_steps(a, m)};
}

Calculation remainder(Random& random) {
  const int64_t m = modulus(random), a = with_digits(2, random);
  const int64_t b = with_digits(random.chance(0.8) ? 1 : 2, random), p = a * b;
  return {fmt::format("{}*{} (mod {}) = ", a, b, m),
          fmt::format("{} = {}*{}+{}", p, p / m, m, p % m)};
}

}  // namespace

Calculation calculation(Random& random) {
  const int64_t kind = random.below(100);
  if (kind < 20) return short_product(random);
  if (kind < 36) return sum_or_difference(random);
  if (kind < 70) return signed_sum(random);
  if (kind < 76) return long_product(random);
  if (kind < 84) return division(random);
  return remainder(random);
}

}  // namespace training
