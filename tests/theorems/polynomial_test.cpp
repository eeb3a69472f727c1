#include "theorems/polynomial.h"

#include <doctest/doctest.h>

#include "theorems/random.h"

using namespace theorems;

namespace {

std::string collected(std::string_view text) {
  const auto expression = read_expression(text, 'n');
  if (!expression) return "unreadable";
  const std::string sum = to_text(sum_of(expression->summands), 'n');
  return expression->denominator == 1 ? sum : sum + " / " + to_text(expression->denominator);
}

// A random expression and its value at n, found without polynomials.
struct Sum {
  std::string text;
  long long value = 0;
};
Sum draw(Random& random, int depth, long long n) {
  const int64_t way = depth == 0 ? random.below(2) : random.below(6);
  if (way == 0) {
    const long long number = random.between(0, 9);
    return {std::to_string(number), number};
  }
  if (way == 1) return {"n", n};
  const Sum a = draw(random, depth - 1, n);
  if (way == 5) return {"(" + a.text + ")^2", a.value * a.value};
  const Sum b = draw(random, depth - 1, n);
  if (way == 2) return {"(" + a.text + ")*(" + b.text + ")", a.value * b.value};
  if (way == 3) return {a.text + "+" + b.text, a.value + b.value};
  return {a.text + "-(" + b.text + ")", a.value - b.value};
}

}  // namespace

TEST_SUITE("theorems/polynomial") {
  TEST_CASE("expressions are collected by descending powers") {
    CHECK(collected("(2*k^2+k)") == "unreadable");
    CHECK(collected("4*n-1") == "4*n-1");
    CHECK(collected("1-n-n") == "-2*n+1");
    CHECK(collected("2*(n+1)^2+(n+1)") == "2*n^2+5*n+3");
    CHECK(collected("n(n+1)(2n+1)") == "2*n^3+3*n^2+n");
    CHECK(collected("n(n+1)/2") == "n^2+n / 2");
    CHECK(collected("n/2+n/3") == "5*n / 6");
    CHECK(collected("-(n-1)") == "-n+1");
    CHECK(collected("n-n") == "0");
  }

  TEST_CASE("summands stay apart as they are written") {
    const auto sum = read_expression("(2*n^2+n)-3*n+1", 'n');

    REQUIRE(sum);
    REQUIRE(sum->summands.size() == 3);
    CHECK(to_text(sum->summands[0], 'n') == "2*n^2+n");
    CHECK(to_text(sum->summands[1], 'n') == "-3*n");
    CHECK(to_text(sum->summands[2], 'n') == "1");
  }

  TEST_CASE("what is no expression is refused") {
    for (const char* text :
         {"",   "+",   "+n",  "n+",   "n*",    "n^",   "n^n", "n^-1", "(n", "n)",
          "()", "1/0", "1/n", "2 *n", "n^100", "1..2", "m",   "n--1", "^2", "*2"})
      CHECK_MESSAGE(collected(text) == "unreadable", text);
    CHECK(collected(std::string(300, '(') + "n" + std::string(300, ')')) == "unreadable");
  }

  TEST_CASE("what gets too large is refused and never wraps") {
    CHECK_THROWS_AS(collected("n^13"), TooLarge);
    CHECK_THROWS_AS(collected("(n^7)*(n^7)"), TooLarge);
    CHECK_THROWS_AS(collected("1" + std::string(30, '0')), TooLarge);
    CHECK_THROWS_AS(collected("999999999999999999^2"), TooLarge);
    CHECK_THROWS_AS(collected("(9999999n+1)^12"), TooLarge);
    CHECK(collected("999999999999999^2") == "999999999999998000000000000001");
  }

  TEST_CASE("random expressions agree with their values") {
    Random random(1);
    for (int i = 0; i < 50'000; ++i) {
      const long long n = random.between(-4, 4);
      const Sum sum = draw(random, 3, n);
      CAPTURE(sum.text);
      const auto read = read_expression(sum.text, 'n');
      REQUIRE(read);
      const Polynomial polynomial = sum_of(read->summands);
      CHECK(value_at(polynomial, n) == Integer(sum.value));
      CHECK(value_at(shifted(polynomial), n - 1) == Integer(sum.value));
      const auto again = read_expression(to_text(polynomial, 'n'), 'n');
      REQUIRE(again);
      CHECK(sum_of(again->summands) == polynomial);
    }
  }
}
