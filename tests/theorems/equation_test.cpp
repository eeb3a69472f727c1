#include "theorems/equation.h"

#include <doctest/doctest.h>

using namespace theorems;

namespace {

std::string again(std::string_view text) {
  const auto term = read_operation(text);
  return term ? to_text(*term) : "no";
}

std::string worth(std::string_view text) {
  const auto term = read_operation(text);
  REQUIRE(term.has_value());
  return to_text(value(*term));
}

}  // namespace

TEST_SUITE("theorems/equation") {
  TEST_CASE("numbers joined by signs are read, blanks are free") {
    CHECK(again("52*17+4") == "52*17+4");
    CHECK(again("  52 * 17+ 4 ") == "52*17+4");
    CHECK(again("007") == "7");
    CHECK(read_operation("5")->is_number());
    CHECK_FALSE(read_operation("5+0")->is_number());
  }

  TEST_CASE("what is anything else is refused") {
    for (const char* bad : {"", " ", "+", "-5", "5-", "5 6", "5**6", "(5)", "5/6", "x", "5=5",
                            "1234567890123456789012345678901", "5*-6", "5\t+6"})
      CHECK(again(bad) == "no");
  }

  TEST_CASE("a term has at most 64 numbers") {
    std::string text = "1";
    for (int i = 1; i < 64; ++i) text += "+1";
    CHECK(worth(text) == "64");
    CHECK(again(text + "+1") == "no");
  }

  TEST_CASE("powers go before products, products before sums") {
    CHECK(worth("2+3*4") == "14");
    CHECK(worth("2*3+4*5") == "26");
    CHECK(worth("2*3^2*2") == "36");
    CHECK(worth("10-3-2") == "5");
    CHECK(worth("10-2*3+1") == "5");
    CHECK(worth("3-5") == "-2");
    CHECK(worth("2^3^2") == "64");  // from the left
    CHECK(worth("0^0") == "1");
  }

  TEST_CASE("exponents beyond 9 and values beyond thirty digits throw") {
    CHECK(worth("2^9") == "512");
    CHECK_THROWS_AS(value(*read_operation("2^10")), TooLarge);
    CHECK_THROWS_AS(value(*read_operation("99999^9")), TooLarge);
    CHECK_THROWS_AS(value(*read_operation("1000000000000000*1000000000000000")), TooLarge);
  }

  TEST_CASE("a chain has at least two terms") {
    CHECK(read_chain("37*24 = 888 = 52*17+4")->size() == 3);
    CHECK(to_text((*read_chain("37*24 = 888"))[1]) == "888");
    for (const char* bad : {"5", "5 =", "= 5", "5 == 5", "5 = = 5", ""})
      CHECK_FALSE(read_chain(bad).has_value());
  }

  TEST_CASE("only q*m+r is a certificate") {
    const auto certificate = as_certificate(*read_operation("52*17+4"));
    REQUIRE(certificate.has_value());
    CHECK((certificate->quotient == 52 && certificate->modulus == 17));
    CHECK((certificate->remainder == 4));
    for (const char* other : {"4+52*17", "52*17-4", "52*17", "52+17+4", "5"})
      CHECK_FALSE(as_certificate(*read_operation(other)).has_value());
  }
}
