#include "theorems/exact.h"

#include <doctest/doctest.h>

using namespace theorems;

namespace {

const Integer kLargest = *read_integer(std::string(30, '9'));

}  // namespace

TEST_SUITE("theorems/exact") {
  TEST_CASE("the largest number has thirty nines, and one more is refused") {
    CHECK(to_text(kLargest) == std::string(30, '9'));
    CHECK(to_text(-kLargest) == "-" + std::string(30, '9'));
    CHECK_THROWS_AS(add(kLargest, 1), TooLarge);
    CHECK_THROWS_AS(subtract(-kLargest, 1), TooLarge);
    CHECK((add(kLargest, -1) == kLargest - 1));
    CHECK_THROWS_WITH(add(kLargest, kLargest), "a number with more than 30 digits");
  }

  TEST_CASE("products that do not fit are refused, in 128 bits and beyond") {
    const Integer root = power(10, 15);
    CHECK_THROWS_AS(multiply(root, root), TooLarge);
    CHECK((multiply(root, root - 1) == power(10, 15) * (root - 1)));
    CHECK_THROWS_AS(multiply(kLargest, kLargest), TooLarge);
    CHECK_THROWS_AS(multiply(-kLargest, 2), TooLarge);
  }

  TEST_CASE("powers are exact, and huge exponents of 0, 1 and -1 end at once") {
    CHECK((power(2, 10) == 1024));
    CHECK((power(-3, 3) == -27));
    CHECK((power(0, 0) == 1));
    CHECK((power(7, 0) == 1));
    CHECK((power(0, 2'000'000'000) == 0));
    CHECK((power(1, 2'000'000'000) == 1));
    CHECK((power(-1, 2'000'000'000) == 1));
    CHECK((power(-1, 1'999'999'999) == -1));
    CHECK_THROWS_AS(power(2, 100), TooLarge);
    CHECK_THROWS_AS(power(10, 30), TooLarge);
  }

  TEST_CASE("division rounds down and leaves no negative remainder") {
    for (int a = -20; a <= 20; ++a)
      for (int m = 1; m <= 7; ++m) {
        const Division division = divide(a, m);
        CHECK((division.quotient * m + division.remainder == a));
        CHECK((division.remainder >= 0 && division.remainder < m));
      }
    CHECK((divide(-1, 5).quotient == -1));
    CHECK((divide(-1, 5).remainder == 4));
  }

  TEST_CASE("the greatest common divisor is never negative") {
    CHECK((greatest_common_divisor(12, 18) == 6));
    CHECK((greatest_common_divisor(-12, 18) == 6));
    CHECK((greatest_common_divisor(0, -5) == 5));
    CHECK((greatest_common_divisor(0, 0) == 0));
    CHECK((greatest_common_divisor(35, 12) == 1));
  }

  TEST_CASE("numbers are digits with an optional minus, at most thirty of them") {
    CHECK((read_integer("0") == 0));
    CHECK((read_integer("-17") == -17));
    CHECK((read_integer("007") == 7));
    for (const char* bad : {"", "-", "--1", "+1", " 1", "1 ", "1a", "0x1", "1.0", "1e3"})
      CHECK_FALSE(read_integer(bad).has_value());
    CHECK_FALSE(read_integer(std::string(31, '1')).has_value());
    CHECK_FALSE(read_integer(std::string(31, '0')).has_value());
    CHECK(read_integer("-" + std::string(30, '1')).has_value());
  }

  TEST_CASE("text of a number reads back as the number") {
    for (const Integer a : {Integer(0), Integer(-1), Integer(10), kLargest, -kLargest})
      CHECK((read_integer(to_text(a)) == a));
  }
}
