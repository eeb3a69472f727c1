#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "theorems/family.h"
#include "theorems/statement_parts.h"

namespace theorems {

// "Prove: 6*sum(i=1..n) (i^2) = 2*n^3 + 3*n^2 + n for all n >= 1": factor * sum of f(i) = F(n).
struct InductionClaim {
  Integer factor = 1;
  Terms summand = {};  // f
  Terms closed = {};   // F
};

// So that a proof's lines keep within kLineBytesMax.
inline constexpr int kClosedDegreeMax = 5;

// A closed form with fractions is multiplied by its denominator.
std::variant<InductionClaim, NotOfFamily> read_induction(std::string_view ascii);
// REQUIRES: a statement in our spelling; throws std::invalid_argument otherwise.
InductionClaim induction_claim(std::string_view statement);
std::string to_text(const InductionClaim& claim);

InductionClaim sample_induction(int level, Random& random);

Terms scaled(Integer factor, Terms terms);

}  // namespace theorems
