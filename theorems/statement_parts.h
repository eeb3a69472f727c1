#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "theorems/polynomial.h"

namespace theorems {

// What statements about polynomials are made of.

struct Term {
  Integer coefficient = 0;
  int degree = 0;
  bool operator==(const Term&) const = default;
};
using Terms = std::vector<Term>;  // in the order written, at least one; each degree at most once

inline constexpr int kTermDegreeMax = 8;
inline constexpr Integer kCoefficientMax = 9999;

// Keeps the order if the summands are terms of different degrees, else collects by descending
// degree. The denominator is the caller's. Nothing if a degree or coefficient exceeds its limit.
std::optional<Terms> terms_of(const Expression& expression);
Polynomial polynomial_of(const Terms& terms);
Terms sorted(Terms terms);  // by descending degree

// "2*n^2 - n + 1"; in TeX "2 \cdot n^{2} - n + 1".
std::string spaced_text(const Terms& terms, char variable);
std::string tex_text(const Terms& terms, char variable);

std::string without_blanks(std::string_view text);

// Takes "for all n >= 1" (or "for every integer n", ...) off the end of a text without blanks and
// gives its variable; nothing if there is none.
std::optional<char> take_quantifier(std::string& text);

// Takes "Prove:" off the beginning.
void take_request(std::string& text);

}  // namespace theorems
