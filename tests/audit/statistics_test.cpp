#include "audit/statistics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

using doctest::Approx;

TEST_SUITE("audit/statistics") {
  TEST_CASE("Wilson's interval for 8 of 10 is 0.490 to 0.943") {
    const auto interval = audit::wilson(8, 10);

    CHECK(interval->low == Approx(0.4902).epsilon(0.0002));
    CHECK(interval->high == Approx(0.9433).epsilon(0.0002));
  }

  TEST_CASE("Wilson's interval never leaves 0 to 1, and needs a trial") {
    CHECK(audit::wilson(0, 10)->low == 0);
    CHECK(audit::wilson(0, 10)->high == Approx(0.2775).epsilon(0.0005));  // z^2 / (n + z^2)
    CHECK(audit::wilson(10, 10)->high == 1);
    CHECK_FALSE(audit::wilson(0, 0));
  }

  TEST_CASE("Pearson's r of three points, by hand") {
    CHECK(*audit::pearson(std::vector{1., 2., 3.}, std::vector{1., 3., 2.}) == Approx(0.5));
    CHECK(*audit::pearson(std::vector{1., 2., 3.}, std::vector{3., 2., 1.}) == Approx(-1));
    CHECK_FALSE(audit::pearson(std::vector{1., 1., 1.}, std::vector{1., 3., 2.}));
    CHECK_FALSE(audit::pearson(std::vector{0.1, 0.1, 0.1}, std::vector{1., 3., 2.}));
    CHECK_FALSE(audit::pearson(std::vector{1.}, std::vector{1.}));
  }

  TEST_CASE("Kendall's tau-b of SciPy's example is -0.4714") {
    CHECK(*audit::kendall_tau_b(std::vector{12., 2., 1., 12., 2.},
                                std::vector{1., 4., 7., 1., 0.}) == Approx(-0.47140452079103173));
  }

  TEST_CASE("Kendall's tau-b is the count over all pairs") {
    std::vector<double> x, y;
    for (int i = 0; i < 60; ++i) {
      x.push_back((i * 37) % 11);
      y.push_back((i * 53 + i * i) % 7);
    }
    double difference = 0, untied_x = 0, untied_y = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t j = 0; j < i; ++j) {
        const double a = (x[i] > x[j]) - (x[i] < x[j]), b = (y[i] > y[j]) - (y[i] < y[j]);
        difference += a * b;
        untied_x += a * a;
        untied_y += b * b;
      }

    CHECK(*audit::kendall_tau_b(x, y) == Approx(difference / std::sqrt(untied_x * untied_y)));
    CHECK_FALSE(audit::kendall_tau_b(std::vector{1., 1.}, std::vector{1., 2.}));
  }

  TEST_CASE("the mean absolute error is what it says") {
    CHECK(*audit::mean_absolute_error(std::vector{1., 0.5}, std::vector{0., 0.5}) == 0.5);
    CHECK_FALSE(audit::mean_absolute_error({}, {}));
  }

  TEST_CASE("weighted kappa of a 3 by 3 table, by hand") {
    // Ratings 0 0 1 1 2 2 against 0 1 1 1 2 0.
    const std::vector<std::size_t> x{0, 0, 1, 1, 2, 2}, y{0, 1, 1, 1, 2, 0};
    const audit::ConfusionMatrix counts = audit::confusion_matrix(x, y, 3);

    CHECK(counts == audit::ConfusionMatrix{{1, 1, 0}, {0, 2, 0}, {1, 0, 1}});
    CHECK(*audit::agreement_share(counts) == Approx(4.0 / 6));
    // Rows 2 2 2, columns 2 3 1. Linear: observed 1 + 2 = 3, expected (2*3 + 2*2*1 + 2*2 + 2*1 +
    // 2*2*2 + 2*3) / 6 = 30 / 6 = 5. Quadratic: observed 1 + 4 = 5, expected 42 / 6 = 7.
    CHECK(*audit::weighted_kappa(counts, audit::KappaWeights::Linear) == Approx(1 - 3.0 / 5));
    CHECK(*audit::weighted_kappa(counts, audit::KappaWeights::Quadratic) == Approx(1 - 5.0 / 7));
    CHECK_FALSE(audit::weighted_kappa({{3, 0}, {0, 0}}, audit::KappaWeights::Linear));
  }

  TEST_CASE("the bootstrap interval of a mean is near the normal one, and the same every time") {
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) values.push_back(i % 2);
    const audit::Statistic mean = [&](std::span<const std::size_t> indices) {
      double sum = 0;
      for (const std::size_t i : indices) sum += values[i];
      return std::optional(sum / double(indices.size()));
    };

    const auto interval = audit::bootstrap(100, mean);

    // 0.5 +- 1.96 * 0.05
    CHECK(interval->low == Approx(0.402).epsilon(0.04));
    CHECK(interval->high == Approx(0.598).epsilon(0.04));
    CHECK(audit::bootstrap(100, mean)->low == interval->low);
    const auto other = audit::bootstrap(100, mean, {.seed = 2});
    CHECK((other->low != interval->low || other->high != interval->high ||
           audit::bootstrap(100, mean, {.seed = 3})->low != interval->low));
    CHECK_FALSE(audit::bootstrap(0, mean));
    CHECK_THROWS_AS(audit::bootstrap(1, mean, {.resamples = audit::kResamplesMax + 1}),
                    std::logic_error);
  }

  TEST_CASE("a statistic that most resamples do not define has no interval") {
    const auto rarely = [](std::span<const std::size_t> indices) -> std::optional<double> {
      return indices[0] == 0 ? std::optional(1.0) : std::nullopt;
    };

    CHECK_FALSE(audit::bootstrap(10, rarely));
    CHECK(audit::bootstrap(1, rarely)->high == 1);
  }
}
