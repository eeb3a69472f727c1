#include <array>

#include "theorems/divisibility_claim.h"

namespace theorems {
namespace {

constexpr Integer kValueMax = 99999;  // five digits
constexpr int kLargeDegree = 2;       // from here on coefficients are small

struct Level {
  std::vector<int> moduli;
  int degree;                // at most
  int64_t coefficient;       // at most, where the degree is small
  int64_t high_coefficient;  // at most, from kLargeDegree on
};

const Level& level_of(int level) {
  static const std::array<Level, kLevels> kTable = {{{{2, 3}, 3, 49, 29},
                                                     {{3, 4, 4, 5}, 3, 59, 29},
                                                     {{4, 5, 6, 6, 8}, 4, 69, 19},
                                                     {{6, 8, 9, 10, 12}, 5, 89, 24},
                                                     {{14, 15, 16, 18, 20}, 4, 99, 39}}};
  return kTable[std::size_t(level - 1)];
}

// n (n-1) ... (n-j+1) is divisible by j!, so modulus / gcd(modulus, j!) times it vanishes; sums of
// these are all the polynomials that vanish modulo `modulus` (Kempner 1921).
Polynomial vanishing(Integer modulus, int degree, Random& random) {
  Polynomial sum;
  Polynomial falling = monomial(1, 0);
  Integer factorial = 1;
  for (int j = 1; j <= degree; ++j) {
    falling = multiply(falling, Polynomial{{-Integer(j - 1), 1}});
    factorial = multiply(factorial, j);
    const Integer common = greatest_common_divisor(modulus, factorial);
    if (common == 1) continue;
    const Integer factor = modulus / common * random.below(int64_t(common));
    sum = add(sum, multiply(factor, falling));
  }
  return sum;
}

// Coefficients in 0 ... modulus - 1, some raised by multiples of it.
Terms drawn_terms(const Level& level, Integer modulus, int degree, Random& random) {
  const Polynomial base = vanishing(modulus, degree, random);
  Terms terms;
  for (int d = degree; d >= 0; --d) {
    Integer coefficient = divide(base.coefficient(d), modulus).remainder;
    const int64_t most = d >= kLargeDegree ? level.high_coefficient : level.coefficient;
    const int64_t more = (most - int64_t(coefficient)) / int64_t(modulus);
    const double chance = coefficient == 0    ? (d < kLargeDegree ? 0.4 : 0.15)
                          : d >= kLargeDegree ? 0.4
                                              : 0.7;
    if (more > 0 && random.chance(chance)) coefficient += modulus * random.between(1, more);
    if (coefficient != 0) terms.push_back({coefficient, d});
  }
  return terms;
}

bool is_trivial(const DivisibilityClaim& claim) {
  for (const Term& term : claim.terms)
    if (term.coefficient % claim.modulus != 0) return false;
  return true;
}

bool is_short(const DivisibilityClaim& claim, const Level& level) {
  for (const auto& [coefficient, degree] : claim.terms)
    if (coefficient > (degree >= kLargeDegree ? level.high_coefficient : level.coefficient))
      return false;
  return value_at(polynomial_of(claim.terms), claim.modulus - 1) <= kValueMax;
}

}  // namespace

DivisibilityClaim sample_divisibility(int number, Random& random) {
  const Level& level = level_of(number);
  while (true) {  // a few draws in the mean: n^3 and its like are always among them
    DivisibilityClaim claim{random.pick(level.moduli), {}};
    const int degree = claim.modulus == 5 ? 5 : int(random.between(2, level.degree));
    claim.terms = drawn_terms(level, claim.modulus, degree, random);
    if (claim.terms.size() < 2 || is_trivial(claim) || !is_short(claim, level)) continue;
    if (random.chance(0.4)) random.shuffle(claim.terms);
    return claim;
  }
}

}  // namespace theorems
