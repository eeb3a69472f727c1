#include "training/calculation.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <set>

TEST_SUITE("training/calculation") {
  TEST_CASE("what is stated with a remainder is true") {
    theorems::Random random(1);
    int seen = 0;
    for (int i = 0; i < 2000; ++i) {
      const training::Calculation drawn = training::calculation(random);
      int a = 0, b = 0, m = 0, p = 0, q = 0, again = 0, r = 0;
      if (std::sscanf(drawn.asked.c_str(), "%d*%d (mod %d) = ", &a, &b, &m) != 3) continue;
      CAPTURE(drawn.asked);
      CAPTURE(drawn.answer);
      REQUIRE(std::sscanf(drawn.answer.c_str(), "%d = %d*%d+%d", &p, &q, &again, &r) == 4);
      CHECK(p == a * b);
      CHECK(p == q * m + r);
      CHECK(again == m);
      CHECK(r < m);
      ++seen;
    }
    CHECK(seen > 250);
  }

  TEST_CASE("sums, differences and products with one digit are true") {
    theorems::Random random(2);
    std::set<char> seen;
    int below_zero = 0;
    for (int i = 0; i < 2000; ++i) {
      const training::Calculation drawn = training::calculation(random);
      int a = 0, b = 0;
      char operation = 0, equals = 0;
      if (std::sscanf(drawn.asked.c_str(), "%d%c%d%c", &a, &operation, &b, &equals) != 4) continue;
      if (equals != '=') continue;
      CAPTURE(drawn.asked);
      const int right = operation == '*' ? a * b : operation == '+' ? a + b : a - b;
      CHECK(std::stoi(drawn.answer) == right);
      seen.insert(operation);
      below_zero += right < 0 ? 1 : 0;
    }
    CHECK(seen == std::set<char>{'*', '+', '-'});
    CHECK(below_zero > 50);
  }
}
