#include "apps/exact_check.h"

#include <doctest/doctest.h>

using apps::exact_json;
using apps::exact_line;
using apps::exact_word;

TEST_SUITE("apps/exact_check") {
  const std::string statement = "Prove: 8*9 + 5*3 == 2 (mod 17)";
  const std::string right =
      "1. 8*9 = 72 = 4*17+4 [calc]\n2. 5*3 = 15 [calc]\n3. 4+15 = 19 = 1*17+2 [add 1 2]\n"
      "4. goal [3]\nQED";

  TEST_CASE("a right proof earns 1") {
    CHECK(exact_line(exact_word(statement, right)) == "exact check: 1, every line is right\n");
  }

  TEST_CASE("a wrong one is told by its first flaw") {
    std::string wrong = right;
    wrong.replace(wrong.find("5*3 = 15"), 8, "5*3 = 16");
    const auto word = exact_word(statement, wrong);
    CHECK(exact_line(word) == "exact check: 0, line 2: value\n");
    CHECK(exact_json("a", word) ==
          R"({"event":"check","id":"a","exact":0.0,"words":"line 2: value"})");
  }

  TEST_CASE("of a foreign statement there is nothing to say") {
    const auto word = exact_word("Prove that there are infinitely many primes.", right);
    CHECK_FALSE(word);
    CHECK(exact_json("b", word) == R"({"event":"check","id":"b","exact":null})");
  }
}
