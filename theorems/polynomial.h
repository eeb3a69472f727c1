#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "theorems/exact.h"

namespace theorems {

inline constexpr int kDegreeMax = 12;

// An exact polynomial in one variable with whole coefficients. Operations throw TooLarge if a
// coefficient gets too large or the degree exceeds kDegreeMax.
struct Polynomial {
  std::vector<Integer> coefficients = {};  // of the powers 0, 1, 2, ...; the last is not 0

  int degree() const { return int(coefficients.size()) - 1; }  // of the polynomial 0: -1
  Integer coefficient(int degree) const;
  int terms() const;  // coefficients that are not 0
  bool operator==(const Polynomial&) const = default;
};

Polynomial monomial(Integer coefficient, int degree);
Polynomial add(const Polynomial& a, const Polynomial& b);
Polynomial multiply(const Polynomial& a, const Polynomial& b);
Polynomial multiply(Integer factor, const Polynomial& a);
Polynomial sum_of(const std::vector<Polynomial>& summands);
Polynomial shifted(const Polynomial& a);  // a(x + 1)
Integer value_at(const Polynomial& a, Integer x);

// By descending powers, without blanks: "2*k^2+5*k+3", "0".
std::string to_text(const Polynomial& a, char variable);

// What a text says as a sum: "(2*k^2+k)+3*k-1" has the summands 2*k^2+k, 3*k and -1. Read are
// + - * / ^, parentheses, and products without a sign ("5n", "n(n+1)"); divisors are whole numbers.
struct Expression {
  std::vector<Polynomial> summands = {};  // each times 1 / denominator
  Integer denominator = 1;
};
// The text must have no blanks. Nothing if it cannot be read; throws TooLarge.
std::optional<Expression> read_expression(std::string_view text, char variable);

}  // namespace theorems
