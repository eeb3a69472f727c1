#include <array>

#include "theorems/induction_claim.h"

namespace theorems {
namespace {

constexpr Integer kNumberMax = 99999;  // five digits
constexpr int kSummandDegreeMax = 4;

// 60 * sum of i^d for i = 1 ... n, by ascending powers of n (Faulhaber).
const std::array<Polynomial, kSummandDegreeMax + 1>& power_sums() {
  static const std::array<Polynomial, kSummandDegreeMax + 1> kSums = {
      Polynomial{{0, 60}}, Polynomial{{0, 30, 30}}, Polynomial{{0, 10, 30, 20}},
      Polynomial{{0, 0, 15, 30, 15}}, Polynomial{{0, -2, 0, 20, 30, 12}}};
  return kSums;
}
constexpr Integer kCommon = 60;

struct Level {
  int degree_min, degree_max;             // of the summand
  int64_t leading;                        // its first coefficient, at most
  int64_t low, high;                      // the others
  std::vector<std::vector<int>> factors;  // allowed for each degree from degree_min on
};

const Level& level_of(int level) {
  static const std::array<Level, kLevels> kTable = {
      {{1, 1, 80, -40, 80, {{1}}},
       {1, 1, 99, -60, 99, {{1, 2}}},
       {2, 2, 20, -30, 40, {{1, 2, 3}}},
       {2, 3, 20, -30, 40, {{6}, {1, 2, 4}}},
       {3, 4, 12, -20, 30, {{1, 2, 3, 4, 6, 12}, {1, 2, 3, 5, 6, 10, 15, 30}}}}};
  return kTable[std::size_t(level - 1)];
}

bool is_allowed(const Level& level, int degree, Integer factor) {
  for (const int allowed : level.factors[std::size_t(degree - level.degree_min)])
    if (factor == allowed) return true;
  return false;
}

// Each lower power is there with this chance; from level 5 nearly all are.
double density(int level) { return level == kLevels ? 0.85 : level >= 3 ? 0.65 : 0.85; }

Terms drawn_summand(const Level& level, int number, int degree, Random& random) {
  Terms terms = {{random.between(1, level.leading), degree}};
  for (int d = degree - 1; d >= 0; --d) {
    if (!random.chance(density(number))) continue;
    const bool negative = level.low < 0 && random.chance(0.3);
    terms.push_back({negative ? -random.between(1, -level.low) : random.between(1, level.high), d});
  }
  return terms;
}

// The smallest factor for which the closed form has whole coefficients, and that form.
InductionClaim closed_claim(Terms summand) {
  Polynomial sum;
  for (const auto& [coefficient, degree] : summand)
    sum = add(sum, multiply(coefficient, power_sums()[std::size_t(degree)]));
  Integer common = kCommon;
  for (const Integer c : sum.coefficients) common = greatest_common_divisor(common, c);
  InductionClaim claim{kCommon / common, std::move(summand), {}};
  for (int d = sum.degree(); d >= 0; --d)
    if (sum.coefficient(d) != 0) claim.closed.push_back({sum.coefficient(d) / common, d});
  return claim;
}

bool has_short_numbers(const InductionClaim& claim) {
  for (const Term& term : scaled(claim.factor, claim.summand))
    if (term.coefficient > kCoefficientMax || term.coefficient < -kCoefficientMax) return false;
  for (const Term& term : claim.closed)
    if (term.coefficient > kCoefficientMax || term.coefficient < -kCoefficientMax) return false;
  for (const Integer c : shifted(polynomial_of(claim.closed)).coefficients)
    if (c > kNumberMax || c < -kNumberMax) return false;
  return !claim.closed.empty();
}

void shuffle_terms(Terms& terms, Random& random) {
  if (!random.chance(0.3)) return;
  random.shuffle(terms);
  if (terms.front().coefficient < 0) terms = sorted(std::move(terms));
}

}  // namespace

InductionClaim sample_induction(int number, Random& random) {
  const Level& level = level_of(number);
  while (true) {  // some tens of draws at most in the mean: multiples of every factor are drawn
    const int degree = int(random.between(level.degree_min, level.degree_max));
    InductionClaim claim = closed_claim(drawn_summand(level, number, degree, random));
    if (!is_allowed(level, degree, claim.factor)) continue;
    if (number >= 2 && random.chance(0.15)) {  // both sides multiplied
      const Integer more = random.between(2, 3);
      claim.factor *= more;
      claim.closed = scaled(more, std::move(claim.closed));
    }
    if (!has_short_numbers(claim)) continue;
    shuffle_terms(claim.summand, random);
    shuffle_terms(claim.closed, random);
    return claim;
  }
}

}  // namespace theorems
