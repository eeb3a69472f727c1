#include "theorems/tex.h"

#include <doctest/doctest.h>

#include "theorems/random.h"
#include "theorems/theorem.h"

using namespace theorems;

namespace {

std::string read(const std::string& text) {
  const auto statement = read_statement(text);
  if (const auto* unknown = std::get_if<NotKnown>(&statement)) return "no: " + unknown->reason;
  return std::get<Statement>(statement).text;
}

}  // namespace

TEST_SUITE("theorems/tex") {
  TEST_CASE("commands become signs, dollars and braces go") {
    CHECK(ascii_of("$37 \\cdot 24 \\equiv 12 \\pmod{17}$") == "37 * 24 == 12 (mod 17)");
    CHECK(ascii_of("$6 \\mid n^{3} + 5 \\times n$") == "6 | n^3 + 5 * n");
    CHECK(ascii_of("\\(p \\land q \\to \\lnot r\\)") == "p & q -> ! r");
    CHECK(ascii_of("n \\geq 1, m \\le 2") == "n >= 1, m <= 2");
  }

  TEST_CASE("sums have their bounds in either order, with braces or without") {
    CHECK(ascii_of("\\sum_{i=1}^{n} i") == "sum(i=1..n) i");
    CHECK(ascii_of("\\sum_{i=1}^n i") == "sum(i=1..n) i");
    CHECK(ascii_of("\\sum^n_{i=1} i") == "sum(i=1..n) i");
  }

  TEST_CASE("a command ends where its letters end: \\left is not \\le") {
    CHECK(ascii_of("\\left(p \\lor q\\right)") == "(p | q)");
    CHECK(ascii_of("\\text{Prove: } 2 \\cdot3") == "Prove: 2 *3");
    CHECK(ascii_of("p\\top") == "p\\top");
  }

  TEST_CASE("text without TeX passes, but for runs of blanks") {
    CHECK(ascii_of("  Find   x:\n 7*x == 3\t(mod 31)  ") == "Find x: 7*x == 3 (mod 31)");
    CHECK(ascii_of("").empty());
    CHECK(ascii_of("\\") == "\\");
  }

  TEST_CASE("unfinished and nested groups end with the text") {
    CHECK(ascii_of("\\pmod{17") == "(mod 17)");
    CHECK(ascii_of("\\sum_{i=1") == "sum(i=1..)");
    CHECK(ascii_of("\\sum_") == "sum(..)");
    std::string deep;
    for (int i = 0; i < 300; ++i) deep += "\\pmod{";
    CHECK(ascii_of(deep).size() < 4000);
  }

  TEST_CASE("a person's spellings of one statement are one statement") {
    const std::string congruence = "Prove: 37*24 + 15^2 == 12 (mod 17)";
    CHECK(read("Prove: $37 \\cdot 24 + 15^2 \\equiv 12 \\pmod{17}$") == congruence);
    CHECK(read("37*24+15^{2}==12(mod 17).") == congruence);
    CHECK(read("\\[ 37 \\times 24 + 15^{2} \\equiv 12 \\pmod{17} \\]") == congruence);
    CHECK(read("Find $x$: $7 \\cdot x \\equiv 3 \\pmod{31}$") == "Find x: 7*x == 3 (mod 31)");
  }

  TEST_CASE("the TeX of every family's statements is read as the statement") {
    for (const Family family : kFamilies)
      for (int level = 1; level <= kLevels; ++level)
        for (uint64_t i = 0; i < 100; ++i) {
          Random random(seed_of(i, uint64_t(level)));
          const std::string statement = rules_of(family).sample(level, random);
          const auto again = read_statement(rules_of(family).to_tex(statement));
          REQUIRE_MESSAGE(std::holds_alternative<Statement>(again),
                          rules_of(family).to_tex(statement));
          CHECK(std::get<Statement>(again).text == statement);
          CHECK(std::get<Statement>(again).family == family);
        }
  }
}
