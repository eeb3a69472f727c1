#include "theorems/equation.h"

#include <algorithm>

namespace theorems {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<Operation> read_operation(std::string_view text) {
  Operation term;
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < text.size() && text[at] == ' ') ++at;
  };
  while (true) {
    skip_blanks();
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    const auto number = read_integer(text.substr(begin, at - begin));
    if (!number || term.numbers.size() == kOperationNumbersMax) return std::nullopt;
    term.numbers.push_back(*number);
    skip_blanks();
    if (at == text.size()) return term;
    if (std::string_view("+-*^").find(text[at]) == std::string_view::npos) return std::nullopt;
    term.operators.push_back(text[at++]);
  }
}

std::optional<std::vector<Operation>> read_chain(std::string_view text) {
  std::vector<Operation> chain;
  while (true) {
    const std::size_t end = std::min(text.find('='), text.size());
    auto term = read_operation(text.substr(0, end));
    if (!term || chain.size() == kOperationNumbersMax) return std::nullopt;
    chain.push_back(std::move(*term));
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
  }
  if (chain.size() < 2) return std::nullopt;
  return chain;
}

std::string to_text(const Operation& term) {
  std::string text = to_text(term.numbers.front());
  for (std::size_t i = 0; i < term.operators.size(); ++i)
    text += term.operators[i] + to_text(term.numbers[i + 1]);
  return text;
}

Integer value(const Operation& term) {
  // total + sign * product, where product's last factor may still be raised.
  Integer total = 0, product = 1;
  bool negative = false;
  std::size_t i = 0;
  const auto factor = [&] {
    Integer base = term.numbers[i];
    while (i < term.operators.size() && term.operators[i] == '^') {
      const Integer exponent = term.numbers[++i];
      if (exponent > kExponentMax) throw TooLarge();
      base = power(base, int(exponent));
    }
    return base;
  };
  while (true) {
    product = multiply(product, factor());
    const char next = i < term.operators.size() ? term.operators[i] : '+';
    if (next != '*') {
      total = negative ? subtract(total, product) : add(total, product);
      product = 1;
      negative = next == '-';
    }
    if (i == term.operators.size()) return total;
    ++i;
  }
}

std::optional<Certificate> as_certificate(const Operation& term) {
  if (term.operators != "*+") return std::nullopt;
  return Certificate{term.numbers[0], term.numbers[1], term.numbers[2]};
}

}  // namespace theorems
