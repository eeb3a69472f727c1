#include "training/schedule.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace training;

TEST_SUITE("training/schedule") {
  TEST_CASE("a rate rises, stays, falls and rests") {
    const Schedule s{
        .warm_up = 10, .decay_after = 60, .end = 100, .last = 0.2, .fall = Schedule::Fall::Linear};
    CHECK(rate_factor(s, 0) == 0);
    CHECK(rate_factor(s, 1) == doctest::Approx(0.1));
    CHECK(rate_factor(s, 10) == 1);
    CHECK(rate_factor(s, 60) == 1);
    CHECK(rate_factor(s, 80) == doctest::Approx(0.6));
    CHECK(rate_factor(s, 100) == 0.2);
    CHECK(rate_factor(s, 1'000'000'000'000) == 0.2);
  }

  TEST_CASE("a cosine falls slowly first and meets the line half way") {
    const Schedule s{.warm_up = 0, .decay_after = 0, .end = 100, .last = 0};
    CHECK(rate_factor(s, 10) > 0.97);
    CHECK(rate_factor(s, 50) == doctest::Approx(0.5));
    CHECK(rate_factor(s, 90) < 0.03);
  }

  TEST_CASE("without lengths a rate is what it is at the end") {
    CHECK(rate_factor({.last = 0.5}, 1) == 0.5);
  }

  TEST_CASE("places out of order are refused") {
    CHECK_THROWS_AS(rate_factor({.warm_up = 5, .decay_after = 4, .end = 9}, 1),
                    std::invalid_argument);
    CHECK_THROWS_AS(rate_factor({.warm_up = 0, .decay_after = 4, .end = 3}, 1),
                    std::invalid_argument);
  }
}
