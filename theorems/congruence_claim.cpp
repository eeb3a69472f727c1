#include "theorems/congruence_claim.h"

#include <fmt/format.h>

#include <algorithm>

namespace theorems {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool is_term_of_sum(const Operation& term) {
  if (!std::ranges::all_of(term.numbers, [](Integer n) { return n <= kCongruenceNumberMax; }))
    return false;
  return term.is_number() || term.operators == "*" || is_power(term, 2) || is_power(term, 3);
}

// The sum's terms: cut at every plus.
std::optional<std::vector<Operation>> read_sum(std::string_view text) {
  std::vector<Operation> terms;
  while (true) {
    const std::size_t end = std::min(text.find('+'), text.size());
    auto term = read_operation(text.substr(0, end));
    if (!term || !is_term_of_sum(*term) || terms.size() == kCongruenceTermsMax) return std::nullopt;
    terms.push_back(std::move(*term));
    if (end == text.size()) return terms;
    text.remove_prefix(end + 1);
  }
}

struct Shape {
  int terms_min = 2, terms_max = 3;
  int modulus_max = 9;
  double two_by_two = 0, square = 0, cube = 0;  // shares; the rest are two digits times one
};

Shape shape_of(int level) {
  switch (level) {
    case 1:
      return {2, 3, 9, 0, 0, 0};
    case 2:
      return {3, 5, 12, 0, 0.05, 0};
    case 3:
      return {3, 6, 29, 0.25, 0.15, 0};
    case 4:
      return {5, 9, 29, 0.4, 0.15, 0.1};
    default:
      return {10, 12, 29, 0.4, 0.15, 0.1};
  }
}

Operation sample_term(const Shape& shape, Random& random) {
  const double kind = double(random.below(1000)) / 1000;
  if (kind < shape.two_by_two) return {{random.between(11, 99), random.between(11, 99)}, "*"};
  if (kind < shape.two_by_two + shape.square) return {{random.between(3, 40), 2}, "^"};
  if (kind < shape.two_by_two + shape.square + shape.cube) return {{random.between(2, 25), 3}, "^"};
  if (random.chance(0.08)) return {{random.between(2, 99)}, ""};
  return {{random.between(3, 99), random.between(2, 9)}, "*"};
}

}  // namespace

bool is_power(const Operation& term, int exponent) {
  return term.operators == "^" && term.numbers[1] == exponent;
}

std::string name_of(const Operation& term) {
  if (term.operators != "*") return to_text(term);
  Integer low = term.numbers[0], high = term.numbers[1];
  if (low == high) return to_text(low) + "^2";
  if (low > high) std::swap(low, high);
  return to_text(low) + "*" + to_text(high);
}

std::variant<CongruenceClaim, NotOfFamily> read_congruence(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with("Prove:")) text = trimmed(text.substr(6));
  if (text.ends_with('.')) text = trimmed(text.substr(0, text.size() - 1));
  const std::size_t equals = text.find("=="), open = text.find("(mod", equals);
  if (equals == std::string_view::npos || open == std::string_view::npos || !text.ends_with(')'))
    return NotOfFamily{"a congruence has the form SUM == NUMBER (mod NUMBER)"};
  CongruenceClaim claim;
  auto terms = read_sum(text.substr(0, equals));
  if (!terms)
    return NotOfFamily{
        fmt::format("the left side must be a sum of up to {} terms a, a*b, a^2 or a^3 with whole "
                    "numbers up to {}",
                    kCongruenceTermsMax, int64_t(kCongruenceNumberMax))};
  const auto residue = read_integer(trimmed(text.substr(equals + 2, open - equals - 2)));
  const auto modulus = read_integer(trimmed(text.substr(open + 4, text.size() - open - 5)));
  if (!residue || *residue < 0 || *residue > kCongruenceNumberMax)
    return NotOfFamily{"the right side must be a whole number that is not negative"};
  if (!modulus || *modulus < 2 || *modulus > kCongruenceNumberMax)
    return NotOfFamily{"the modulus must be a whole number from 2 on"};
  claim.terms = std::move(*terms);
  claim.residue = *residue;
  claim.modulus = *modulus;
  return claim;
}

std::string to_text(const CongruenceClaim& claim) {
  std::string sum;
  for (const Operation& term : claim.terms) sum += (sum.empty() ? "" : " + ") + to_text(term);
  return fmt::format("Prove: {} == {} (mod {})", sum, to_text(claim.residue),
                     to_text(claim.modulus));
}

CongruenceClaim sample_congruence(int level, Random& random) {
  const Shape shape = shape_of(level);
  CongruenceClaim claim;
  claim.modulus = random.between(level >= 3 ? 5 : 3, shape.modulus_max);
  const int64_t terms = random.between(shape.terms_min, shape.terms_max);
  Integer sum = 0;
  for (int64_t i = 0; i < terms; ++i) {
    claim.terms.push_back(sample_term(shape, random));
    sum = add(sum, value(claim.terms.back()));
  }
  claim.residue = sum % claim.modulus;
  return claim;
}

}  // namespace theorems
