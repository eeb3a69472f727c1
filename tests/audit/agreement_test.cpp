#include "audit/agreement.h"

#include <doctest/doctest.h>

#include <stdexcept>

using doctest::Approx;

TEST_SUITE("audit/agreement") {
  TEST_CASE("four pairs, counted by hand") {
    const std::vector<audit::GradedPair> pairs = {
        {"a", 1, 1}, {"b", 1, 0}, {"c", 0.5, 6.0 / 7}, {"d", 0, 0}};

    const audit::Agreement agreement = audit::measure_agreement(pairs);

    CHECK(agreement.pairs == 4);
    // Bins 0 1/2 1; 6/7 is nearer to 1.
    CHECK(agreement.confusion == audit::ConfusionMatrix{{1, 0, 0}, {0, 0, 1}, {1, 0, 1}});
    CHECK(*agreement.exact.value == 0.5);
    CHECK(*agreement.binarised.value == 0.5);
    CHECK(*agreement.mean_absolute_error.value == Approx((1 + 6.0 / 7 - 0.5) / 4));
    CHECK(agreement.exact.interval->low <= 0.5);
    CHECK(agreement.exact.interval->high >= 0.5);
    CHECK(agreement.farthest == std::vector<std::string>{"b", "c"});
  }

  TEST_CASE("full agreement is 1 everywhere") {
    std::vector<audit::GradedPair> pairs;
    for (int i = 0; i < 30; ++i) pairs.push_back({std::to_string(i), i % 3 / 2.0, i % 3 / 2.0});

    const audit::Agreement agreement = audit::measure_agreement(pairs);

    for (const audit::Figure& figure :
         {agreement.exact, agreement.binarised, agreement.pearson, agreement.kendall,
          agreement.kappa_linear, agreement.kappa_quadratic}) {
      CHECK(*figure.value == Approx(1));
      CHECK(figure.interval->low == Approx(1));
    }
    CHECK(agreement.farthest.empty());
  }

  TEST_CASE("no pairs define nothing, and a fraction above 1 is a bug") {
    CHECK_FALSE(audit::measure_agreement({}).exact.value);
    CHECK_FALSE(audit::measure_agreement({}).exact.interval);
    CHECK_THROWS_AS(audit::measure_agreement({{"a", 7, 1}}), std::logic_error);
  }
}
