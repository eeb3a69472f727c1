#include "theorems/induction_claim.h"

#include <stdexcept>

namespace theorems {
namespace {

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

struct Opening {
  Integer factor = 1;
  char index = 'i';
  std::size_t length = 0;
};

// "6*sum(i=1..n)" at the beginning of `text`.
std::optional<Opening> read_opening(std::string_view text, char variable) {
  constexpr std::string_view kSum = "sum(";
  const std::size_t at = text.find(kSum);
  if (at == std::string_view::npos) return std::nullopt;
  Opening opening;
  std::string_view factor = text.substr(0, at);
  if (factor.ends_with('*')) factor.remove_suffix(1);
  if (at > 0) {
    const auto number = read_integer(factor);
    if (!number || *number < 1 || *number > kCoefficientMax) return std::nullopt;
    opening.factor = *number;
  }
  const std::size_t index = at + kSum.size();
  const std::string_view rest = text.substr(index);
  if (rest.empty() || !is_letter(rest[0]) || rest[0] == variable) return std::nullopt;
  opening.index = rest[0];
  const std::string limits = std::string("=1..") + variable + ")";
  if (!rest.substr(1).starts_with(limits)) return std::nullopt;
  opening.length = index + 1 + limits.size();
  return opening;
}

// Without parentheses around the whole, so that the order of the terms within is seen.
std::string_view unwrapped(std::string_view text) {
  if (!text.starts_with('(') || text.find(')') + 1 != text.size()) return text;
  return text.substr(1, text.size() - 2);
}

bool keeps_limits(const InductionClaim& claim) {
  for (const Term& term : claim.summand)
    if (term.degree > kClosedDegreeMax || claim.factor * term.coefficient > kCoefficientMax ||
        claim.factor * term.coefficient < -kCoefficientMax)
      return false;
  for (const Term& term : claim.closed)
    if (term.degree > kClosedDegreeMax) return false;
  return claim.factor <= kCoefficientMax;
}

std::variant<InductionClaim, NotOfFamily> read_claim(std::string text) {
  take_request(text);
  const auto variable = take_quantifier(text);
  if (!variable) return NotOfFamily{"it does not end in \"for all n >= 1\""};
  const auto opening = read_opening(text, *variable);
  if (!opening) return NotOfFamily{"it does not begin with \"sum(i=1..n)\" or \"6*sum(i=1..n)\""};
  const std::string_view rest = std::string_view(text).substr(opening->length);
  const std::size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return NotOfFamily{"there is no \"=\" behind the sum"};
  const auto summand = read_expression(unwrapped(rest.substr(0, equals)), opening->index);
  if (!summand || summand->denominator != 1)
    return NotOfFamily{std::string("the summand is no polynomial in ") + opening->index +
                       " with whole coefficients"};
  const auto closed = read_expression(rest.substr(equals + 1), *variable);
  if (!closed) return NotOfFamily{std::string("the right side is no polynomial in ") + *variable};
  const auto terms = terms_of(*summand);
  const auto closed_terms = terms_of(*closed);
  InductionClaim claim{multiply(opening->factor, closed->denominator), terms.value_or(Terms{}),
                       closed_terms.value_or(Terms{})};
  if (!terms || !closed_terms || !keeps_limits(claim))
    return NotOfFamily{"the degree may be " + std::to_string(kClosedDegreeMax) +
                       " and the coefficients " + to_text(kCoefficientMax) + " at most"};
  return claim;
}

}  // namespace

std::variant<InductionClaim, NotOfFamily> read_induction(std::string_view ascii) {
  try {
    return read_claim(without_blanks(ascii));
  } catch (const TooLarge& error) {
    return NotOfFamily{error.what()};
  }
}

InductionClaim induction_claim(std::string_view statement) {
  auto claim = read_induction(statement);
  if (const auto* no = std::get_if<NotOfFamily>(&claim)) throw std::invalid_argument(no->reason);
  return std::get<InductionClaim>(std::move(claim));
}

std::string to_text(const InductionClaim& claim) {
  return "Prove: " + (claim.factor == 1 ? "" : to_text(claim.factor) + "*") + "sum(i=1..n) (" +
         spaced_text(claim.summand, 'i') + ") = " + spaced_text(claim.closed, 'n') +
         " for all n >= 1";
}

Terms scaled(Integer factor, Terms terms) {
  for (Term& term : terms) term.coefficient = multiply(factor, term.coefficient);
  return terms;
}

}  // namespace theorems
