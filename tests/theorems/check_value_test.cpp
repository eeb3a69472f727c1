#include "theorems/check_value.h"

#include "tests/theorems/judge_kit.h"

using namespace theorems;

namespace {

// One line under a modulus, as `told` writes it.
std::string verdict(const std::string& body, Integer modulus) {
  const auto step = read_step({.number = 1, .body = body, .rule = "calc"});
  REQUIRE(step.has_value());
  return judge_kit::told(check_value(*step, modulus, "", steps_of(step->left)));
}

}  // namespace

TEST_SUITE("theorems/check value") {
  TEST_CASE("a right line is calculated and its certificate recalculated") {
    CHECK(verdict("37*24 = 888 = 52*17+4", 17) ==
          "ok none: 37*20=740 37*4=148 740+148=888; 52*10=520 52*7=364 520+364=884 884+4=888");
    CHECK(verdict("3*4 = 12", 17) == "ok none: 3*4=12");
    CHECK(verdict("25 = 1*17+8", 17) == "ok none: 1*17=17 17+8=25");
  }

  TEST_CASE("a remainder that is not the least is right if it leaves the same rest") {
    CHECK(verdict("3*8 = 24 = 0*17+24", 17) == "ok none: 3*8=24; 0*17=0 0+24=24");
    CHECK(verdict("3*8 = 24", 17) == "ok none: 3*8=24");
  }

  TEST_CASE("a wrong remainder is wrong, and the right line is the remedy") {
    CHECK(verdict("3*8 = 24 = 1*17+6", 17) ==
          "wrong value: 3*8=24; 1*17=17 17+6=23 not 24; 17*1=17 24-17=7 -> "
          "3*8 = 24 = 1*17+7 [calc]");
    CHECK(verdict("3*4 = 13", 17) == "wrong value: 3*4=12 not 13; 12<17 -> 3*4 = 12 [calc]");
  }

  TEST_CASE("a wrong number with a right remainder is a slip") {
    CHECK(verdict("3*8 = 25 = 1*17+7", 17) ==
          "gap slip: 3*8=24 not 25; 1*17=17 17+7=24 not 25; 17*1=17 24-17=7 -> "
          "3*8 = 24 = 1*17+7 [calc]");
    CHECK(verdict("3*4 = 29", 17).starts_with("gap slip: "));
  }

  TEST_CASE("a certificate for another modulus is a slip at best") {
    CHECK(verdict("3*8 = 24 = 1*16+8", 17).starts_with("wrong value: "));
    CHECK(verdict("3*8 = 24 = 1*0+24", 17) ==
          "gap slip: 3*8=24; 1*0=0 0+24=24 mod 17; 17*1=17 24-17=7 -> 3*8 = 24 = 1*17+7 [calc]");
  }

  TEST_CASE("a value that is left out is a gap") {
    CHECK(verdict("37*24 = 52*17+4", 17).starts_with("gap intermediate: "));
  }

  TEST_CASE("without a modulus the value itself counts") {
    CHECK(verdict("13*17 = 221", 0) == "ok none: 13*10=130 13*7=91 130+91=221");
    CHECK(verdict("13*17 = 222", 0).starts_with("wrong value: "));
  }

  TEST_CASE("a line that is right becomes a gap, a line that is wrong stays wrong") {
    LineReport right, bad = wrong(Defect::Value, "1+1=2 not 3");
    make_gap(right, Defect::Reference, "remedy");
    make_gap(bad, Defect::Reference, "remedy");
    CHECK(right.status == Status::Gap);
    CHECK(right.remedy == "remedy");
    CHECK(bad.status == Status::Wrong);
    CHECK(bad.defect == Defect::Value);
  }
}
