#include "theorems/polynomial.h"

#include <algorithm>

namespace theorems {
namespace {

constexpr int kDepthMax = 20;              // of parentheses
constexpr std::size_t kSummandsMax = 200;  // of one sum
constexpr std::size_t kExponentDigitsMax = 2;

void trim(Polynomial& a) {
  while (!a.coefficients.empty() && a.coefficients.back() == 0) a.coefficients.pop_back();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Fraction {
  Polynomial numerator;
  Integer denominator = 1;
};

Fraction times(const Fraction& a, const Fraction& b) {
  return {multiply(a.numerator, b.numerator), multiply(a.denominator, b.denominator)};
}

Integer common_multiple(Integer a, Integer b) {
  return multiply(a / greatest_common_divisor(a, b), b);
}

// sum := [sign] product {sign product};  product := power {["*"] power | "/" number}
// power := atom ["^" digits];  atom := digits | variable | "(" sum ")"
class Reader {
 public:
  Reader(std::string_view text, char variable) : text_(text), variable_(variable) {}

  std::optional<Expression> read() {
    auto sum = read_sum(0);
    if (!sum || at_ != text_.size()) return std::nullopt;
    return sum;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  std::optional<Expression> read_sum(int depth) {
    if (depth > kDepthMax) return std::nullopt;
    std::vector<Fraction> parts;
    do {
      const bool minus = peek() == '-';
      if (minus || (peek() == '+' && !parts.empty())) ++at_;
      auto part = read_product(depth);
      if (!part || parts.size() == kSummandsMax) return std::nullopt;
      if (minus) part->numerator = multiply(-1, part->numerator);
      parts.push_back(std::move(*part));
    } while (peek() == '+' || peek() == '-');
    Expression sum;
    for (const Fraction& part : parts)
      sum.denominator = common_multiple(sum.denominator, part.denominator);
    for (const Fraction& part : parts)
      sum.summands.push_back(multiply(sum.denominator / part.denominator, part.numerator));
    return sum;
  }

  std::optional<Fraction> read_product(int depth) {
    auto product = read_power(depth);
    while (product) {
      if (take('/')) {
        const auto divisor = read_digits();
        if (!divisor || *divisor == 0) return std::nullopt;
        product->denominator = multiply(product->denominator, *divisor);
        continue;
      }
      const char next = peek();
      if (!take('*') && next != '(' && next != variable_) break;
      const auto factor = read_power(depth);
      if (!factor) return std::nullopt;
      product = times(*product, *factor);
    }
    return product;
  }

  std::optional<Fraction> read_power(int depth) {
    const auto base = read_atom(depth);
    if (!base || !take('^')) return base;
    const std::size_t begin = at_;
    const auto exponent = read_digits();
    if (!exponent || at_ - begin > kExponentDigitsMax) return std::nullopt;
    Fraction result{monomial(1, 0), 1};
    for (int i = 0; i < int(*exponent); ++i) result = times(result, *base);
    return result;
  }

  std::optional<Fraction> read_atom(int depth) {
    if (take(variable_)) return Fraction{monomial(1, 1), 1};
    if (take('(')) {
      const auto sum = read_sum(depth + 1);
      if (!sum || !take(')')) return std::nullopt;
      return Fraction{sum_of(sum->summands), sum->denominator};
    }
    const auto number = read_digits();
    if (!number) return std::nullopt;
    return Fraction{monomial(*number, 0), 1};
  }

  std::optional<Integer> read_digits() {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    if (at_ - begin > std::size_t(kIntegerDigits)) throw TooLarge();
    return read_integer(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  char variable_;
  std::size_t at_ = 0;
};

}  // namespace

Integer Polynomial::coefficient(int degree) const {
  return degree < 0 || degree > this->degree() ? 0 : coefficients[std::size_t(degree)];
}

int Polynomial::terms() const {
  return int(std::ranges::count_if(coefficients, [](Integer c) { return c != 0; }));
}

Polynomial monomial(Integer coefficient, int degree) {
  Polynomial result;
  if (coefficient == 0) return result;
  if (degree > kDegreeMax) throw TooLarge();
  result.coefficients.assign(std::size_t(degree), 0);
  result.coefficients.push_back(coefficient);
  return result;
}

Polynomial add(const Polynomial& a, const Polynomial& b) {
  Polynomial result;
  for (int d = 0; d <= std::max(a.degree(), b.degree()); ++d)
    result.coefficients.push_back(add(a.coefficient(d), b.coefficient(d)));
  trim(result);
  return result;
}

Polynomial multiply(const Polynomial& a, const Polynomial& b) {
  Polynomial result;
  if (a.degree() < 0 || b.degree() < 0) return result;
  if (a.degree() + b.degree() > kDegreeMax) throw TooLarge();
  result.coefficients.assign(std::size_t(a.degree()) + std::size_t(b.degree()) + 1, 0);
  for (std::size_t i = 0; i < a.coefficients.size(); ++i)
    for (std::size_t j = 0; j < b.coefficients.size(); ++j)
      result.coefficients[i + j] =
          add(result.coefficients[i + j], multiply(a.coefficients[i], b.coefficients[j]));
  return result;
}

Polynomial multiply(Integer factor, const Polynomial& a) {
  Polynomial result = a;
  for (Integer& c : result.coefficients) c = multiply(factor, c);
  trim(result);
  return result;
}

Polynomial sum_of(const std::vector<Polynomial>& summands) {
  Polynomial result;
  for (const Polynomial& summand : summands) result = add(result, summand);
  return result;
}

Polynomial shifted(const Polynomial& a) {
  const Polynomial next{{1, 1}};
  Polynomial result;
  for (int d = a.degree(); d >= 0; --d)
    result = add(multiply(result, next), monomial(a.coefficient(d), 0));
  return result;
}

Integer value_at(const Polynomial& a, Integer x) {
  Integer value = 0;
  for (int d = a.degree(); d >= 0; --d) value = add(multiply(value, x), a.coefficient(d));
  return value;
}

std::string to_text(const Polynomial& a, char variable) {
  std::string text;
  for (int d = a.degree(); d >= 0; --d) {
    const Integer c = a.coefficient(d);
    if (c == 0) continue;
    const Integer size = c < 0 ? -c : c;
    text += c < 0 ? "-" : text.empty() ? "" : "+";
    if (size != 1 || d == 0) text += to_text(size);
    if (size != 1 && d > 0) text += '*';
    if (d > 0) text += variable;
    if (d > 1) text += '^' + std::to_string(d);
  }
  return text.empty() ? "0" : text;
}

std::optional<Expression> read_expression(std::string_view text, char variable) {
  return Reader(text, variable).read();
}

}  // namespace theorems
