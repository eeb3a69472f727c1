#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "theorems/exact.h"

namespace theorems {

// Numbers joined by + - * ^, without parentheses: "52*17+4" is {52, 17, 4} and "*+".
struct Operation {
  std::vector<Integer> numbers;
  std::string operators;  // one fewer than numbers

  bool is_number() const { return operators.empty(); }
};

inline constexpr std::size_t kOperationNumbersMax = 64;
inline constexpr int kExponentMax = 9;

// Blanks are free; numbers are digits only. Nothing if it is anything else.
std::optional<Operation> read_operation(std::string_view text);
// "a = b = c": at least two terms.
std::optional<std::vector<Operation>> read_chain(std::string_view text);

std::string to_text(const Operation& term);  // without blanks
Integer value(const Operation& term);        // ^ before *, * before + and -. Throws TooLarge

// "q*m+r", or nothing.
struct Certificate {
  Integer quotient = 0, modulus = 0, remainder = 0;
};
std::optional<Certificate> as_certificate(const Operation& term);

}  // namespace theorems
