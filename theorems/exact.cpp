#include "theorems/exact.h"

#include <algorithm>
#include <utility>

namespace theorems {
namespace {

constexpr Integer ten_to(int digits) {
  Integer power = 1;
  for (int i = 0; i < digits; ++i) power *= 10;
  return power;
}
constexpr Integer kIntegerEnd = ten_to(kIntegerDigits);

Integer checked(Integer a) {
  if (a <= -kIntegerEnd || a >= kIntegerEnd) throw TooLarge();
  return a;
}

}  // namespace

TooLarge::TooLarge()
    : std::runtime_error("a number with more than " + std::to_string(kIntegerDigits) + " digits") {}

// Operands are below 10^30, a 128-bit sum of two cannot overflow.
Integer add(Integer a, Integer b) { return checked(a + b); }
Integer subtract(Integer a, Integer b) { return checked(a - b); }

Integer multiply(Integer a, Integer b) {
  Integer product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw TooLarge();
  return checked(product);
}

Integer power(Integer base, int exponent) {
  Integer result = 1;
  for (int i = 0; i < exponent; ++i) {
    result = multiply(result, base);
    if (result == 0 || (result == 1 && base == 1)) break;  // so that a huge exponent ends
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  }
  return result;
}

Division divide(Integer a, Integer modulus) {
  Division division{a / modulus, a % modulus};
  if (division.remainder < 0) {
    division.remainder += modulus;
    --division.quotient;
  }
  return division;
}

Integer greatest_common_divisor(Integer a, Integer b) {
  a = a < 0 ? -a : a;
  b = b < 0 ? -b : b;
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

std::string to_text(Integer a) {
  const bool negative = a < 0;
  if (negative) a = -a;
  std::string text;
  do {
    text.push_back(char('0' + int(a % 10)));
    a /= 10;
  } while (a > 0);
  if (negative) text.push_back('-');
  std::reverse(text.begin(), text.end());
  return text;
}

std::optional<Integer> read_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > std::size_t(kIntegerDigits)) return std::nullopt;
  Integer value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

}  // namespace theorems
