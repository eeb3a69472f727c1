#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace theorems {

// Whole numbers up to kIntegerMax in magnitude. Every operation checks: what is larger is refused,
// never wrapped.
__extension__ using Integer = __int128;

inline constexpr int kIntegerDigits = 30;  // magnitudes below 10^30

class TooLarge : public std::runtime_error {
 public:
  TooLarge();
};

// Each throws TooLarge.
Integer add(Integer a, Integer b);
Integer subtract(Integer a, Integer b);
Integer multiply(Integer a, Integer b);
Integer power(Integer base, int exponent);  // REQUIRES: exponent >= 0

// The quotient rounded down and the remainder in 0 ... modulus - 1. REQUIRES: modulus > 0.
struct Division {
  Integer quotient = 0;
  Integer remainder = 0;
};
Division divide(Integer a, Integer modulus);

Integer greatest_common_divisor(Integer a, Integer b);  // of 0 and 0: 0

std::string to_text(Integer a);
// Digits only, with an optional minus; nothing if it is anything else or has too many digits.
std::optional<Integer> read_integer(std::string_view text);

}  // namespace theorems
