#include "theorems/statement_parts.h"

#include <algorithm>
#include <array>

namespace theorems {
namespace {

std::string joined(const Terms& terms, char variable, std::string_view dot,
                   std::string_view before_exponent, std::string_view after_exponent) {
  std::string text;
  for (const auto& [coefficient, degree] : terms) {
    const Integer size = coefficient < 0 ? -coefficient : coefficient;
    if (text.empty())
      text += coefficient < 0 ? "-" : "";
    else
      text += coefficient < 0 ? " - " : " + ";
    if (size != 1 || degree == 0) text += to_text(size);
    if (size != 1 && degree > 0) text += dot;
    if (degree > 0) text += variable;
    if (degree > 1) {
      text += before_exponent;
      text += std::to_string(degree);
      text += after_exponent;
    }
  }
  return text;
}

// The one term of each summand; nothing if one has more or a degree comes twice.
std::optional<Terms> separate_terms(const Expression& expression) {
  Terms terms;
  std::array<bool, kDegreeMax + 1> seen = {};
  for (const Polynomial& summand : expression.summands) {
    if (summand.degree() < 0) continue;
    if (summand.terms() > 1 || seen[std::size_t(summand.degree())]) return std::nullopt;
    seen[std::size_t(summand.degree())] = true;
    terms.push_back({summand.coefficients.back(), summand.degree()});
  }
  return terms;
}

bool take_front(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

std::optional<Terms> terms_of(const Expression& expression) {
  auto terms = separate_terms(expression);
  if (!terms) {
    const Polynomial sum = sum_of(expression.summands);
    terms.emplace();
    for (int d = sum.degree(); d >= 0; --d)
      if (sum.coefficient(d) != 0) terms->push_back({sum.coefficient(d), d});
  }
  for (const auto& [coefficient, degree] : *terms)
    if (degree > kTermDegreeMax || coefficient > kCoefficientMax || coefficient < -kCoefficientMax)
      return std::nullopt;
  if (terms->empty()) terms->push_back({0, 0});
  return terms;
}

Polynomial polynomial_of(const Terms& terms) {
  Polynomial sum;
  for (const auto& [coefficient, degree] : terms) sum = add(sum, monomial(coefficient, degree));
  return sum;
}

Terms sorted(Terms terms) {
  std::ranges::sort(terms, [](const Term& a, const Term& b) { return a.degree > b.degree; });
  return terms;
}

std::string spaced_text(const Terms& terms, char variable) {
  return joined(terms, variable, "*", "^", "");
}

std::string tex_text(const Terms& terms, char variable) {
  return joined(terms, variable, " \\cdot ", "^{", "}");
}

std::string without_blanks(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') result += c;
  return result;
}

std::optional<char> take_quantifier(std::string& text) {
  for (const std::string_view opener : {"forall", "forevery", "foreach"}) {
    const std::size_t at = text.rfind(opener);
    if (at == std::string::npos) continue;
    std::string_view rest = std::string_view(text).substr(at + opener.size());
    for (const std::string_view word :
         {"positive", "natural", "whole", "integers", "integer", "numbers", "number"})
      take_front(rest, word);
    if (rest.empty() || rest[0] < 'a' || rest[0] > 'z') continue;
    const char variable = rest[0];
    rest.remove_prefix(1);
    if (!take_front(rest, ">=1")) take_front(rest, ">=0");
    take_front(rest, ".");
    if (!rest.empty()) continue;
    text.resize(at);
    if (text.ends_with(',')) text.pop_back();
    return variable;
  }
  return std::nullopt;
}

void take_request(std::string& text) {
  for (const std::string_view word : {"Prove:", "prove:"})
    if (text.starts_with(word)) text.erase(0, word.size());
}

}  // namespace theorems
