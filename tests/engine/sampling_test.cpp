#include "engine/sampling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>

#include "engine/philox.h"
#include "kernels/draw.h"

using engine::draw;
using engine::Drawn;
using engine::KeepSets;
using engine::Sampling;
using engine::uniform;
using Kept = std::vector<int32_t>;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

View<const float, 1> view(const std::vector<float>& logits) {
  return {logits.data(), {int64_t(logits.size())}};
}

Drawn drawn(const std::vector<float>& logits, const Sampling& sampling, double at,
            const Kept* allowed = nullptr) {
  return draw(view(logits), sampling, at, KeepSets::Yes, allowed);
}

// Logits of these probabilities.
std::vector<float> likely(const std::vector<double>& probability) {
  std::vector<float> logits;
  for (const double p : probability) logits.push_back(float(std::log(p)));
  return logits;
}

std::vector<float> many_logits(int count, uint64_t seed) {
  std::vector<float> logits;
  for (int i = 0; i < count; ++i)
    logits.push_back(float(12 * uniform(seed, 0, uint64_t(i)) * uniform(seed, 1, uint64_t(i))));
  return logits;
}

// The rules written down naively: everything sorted, every sum from the front.
int32_t naive_token(const std::vector<float>& logits, const Sampling& s, double at) {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
  const auto weight = [&](std::size_t rank) {
    return std::exp((double(logits[order[rank]]) - logits[order[0]]) / s.temperature);
  };
  const auto sum = [&](std::size_t count) {
    double total = 0;
    for (std::size_t rank = 0; rank < count; ++rank) total += weight(rank);
    return total;
  };
  std::size_t count = s.top_k > 0 ? std::min(order.size(), std::size_t(s.top_k)) : order.size();
  if (s.top_p < 1) {
    const double all = sum(count);
    std::size_t fewest = 1;
    while (fewest < count && sum(fewest) < s.top_p * all) ++fewest;
    count = fewest;
  }
  while (s.min_p > 0 && count > 1 && weight(count - 1) < s.min_p) --count;
  const double target = at * sum(count);
  std::size_t rank = 0;
  while (rank + 1 < count && sum(rank + 1) <= target) ++rank;
  return order[rank];
}

}  // namespace

TEST_SUITE("engine/sampling") {
  TEST_CASE("a number follows from seed, sample and position, all of their bits") {
    const double number = uniform(1, 2, 3);

    CHECK(number == uniform(1, 2, 3));
    for (const uint64_t bit :
         {uint64_t(1), uint64_t(1) << 31, uint64_t(1) << 32, uint64_t(1) << 63}) {
      CHECK(number != uniform(1 ^ bit, 2, 3));
      CHECK(number != uniform(1, 2 ^ bit, 3));
      CHECK(number != uniform(1, 2, 3 ^ bit));
    }
    // The first two words of Random123's first known answer, 53 bits of them.
    CHECK(uniform(0, 0, 0) == double(0x6627e8d5e169c58d >> 11) / double(uint64_t(1) << 53));
  }

  TEST_CASE("numbers fill [0, 1) evenly") {
    int below[10] = {};
    for (uint64_t i = 0; i < 10000; ++i) {
      const double number = uniform(7, i % 100, i / 100);
      REQUIRE(number >= 0);
      REQUIRE(number < 1);
      ++below[int(number * 10)];
    }
    for (const int count : below) CHECK(std::abs(count - 1000) < 120);  // 4 standard deviations
  }

  TEST_CASE("temperature 0 takes the largest logit, the lower index of equals") {
    CHECK(drawn({1, 3, 3, 2}, {.temperature = 0}, 0.99).token == 1);
    CHECK(drawn({-0.0f, 0.0f}, {.temperature = 0}, 0).token == 0);
    CHECK(drawn({0.0f, -0.0f}, {.temperature = 0}, 0).token == 0);
    CHECK(drawn({1, 3, 3, 2}, {.temperature = 0}, 0).kept == Kept{1});
    CHECK(drawn(likely({0.2, 0.8}), {.temperature = 0}, 0).log_probability ==
          doctest::Approx(std::log(0.8)));
  }

  TEST_CASE("the share that filters left turns into probabilities among what was kept") {
    const auto d = drawn(likely({0.1, 0.5, 0.3, 0.1}), {.top_p = 0.7}, 0.9);

    CHECK(d.kept == Kept{1, 2});
    CHECK(d.log_kept == doctest::Approx(std::log(0.8)));
    CHECK(std::exp(d.log_probability - d.log_kept) == doctest::Approx(0.3 / 0.8));
    CHECK(drawn(likely({0.5, 0.5}), {}, 0.9).log_kept == 0);
  }

  TEST_CASE("tokens share the interval in order of falling logits") {
    const auto logits = likely({0.2, 0.5, 0.3});

    CHECK(drawn(logits, {}, 0).token == 1);
    CHECK(drawn(logits, {}, 0.49).token == 1);
    CHECK(drawn(logits, {}, 0.51).token == 2);
    CHECK(drawn(logits, {}, 0.79).token == 2);
    CHECK(drawn(logits, {}, 0.81).token == 0);
    CHECK(drawn(logits, {}, std::nextafter(1.0, 0.0)).token == 0);
  }

  TEST_CASE("temperature flattens, and the log-probability is that of the flattened") {
    const auto logits = likely({0.8, 0.2});  // at temperature 2: 2/3 and 1/3

    CHECK(drawn(logits, {.temperature = 2}, 0.66).token == 0);
    CHECK(drawn(logits, {.temperature = 2}, 0.67).token == 1);
    CHECK(drawn(logits, {.temperature = 2}, 0.67).log_probability ==
          doctest::Approx(std::log(1.0 / 3)));
  }

  TEST_CASE("a tiny temperature is like 0") {
    CHECK(drawn({1, 2, 2, 0}, {.temperature = 1e-300, .top_k = 1}, 0.99).token == 1);
    CHECK(drawn({1, 2, 0}, {.temperature = 1e-300}, 0.99).token == 1);
  }

  TEST_CASE("top_k keeps the likeliest, of equals the lower index") {
    const Drawn one = drawn({1, 5, 5, 5, 0}, {.top_k = 2}, 0.99);

    CHECK(one.token == 2);
    CHECK(one.kept == Kept{1, 2});
    CHECK(drawn({1, 5}, {.top_k = 7}, 0).kept.empty());  // all are kept
  }

  TEST_CASE("top_p keeps the fewest tokens that reach it") {
    const auto logits = likely({0.125, 0.5, 0.25, 0.125});

    CHECK(drawn(logits, {.top_p = 0.49}, 0.99).kept == Kept{1});
    CHECK(drawn(logits, {.top_p = 0.51}, 0.99).kept == Kept{1, 2});
    CHECK(drawn(logits, {.top_p = 0.76}, 0.99).kept == Kept{0, 1, 2});
    CHECK(drawn(logits, {.top_p = 1e-9}, 0.99).kept == Kept{1});
  }

  TEST_CASE("min_p keeps what is at least that share of the likeliest") {
    const auto logits = likely({0.5, 0.3, 0.15, 0.05});

    CHECK(drawn(logits, {.min_p = 0.59}, 0).kept == Kept{0, 1});
    CHECK(drawn(logits, {.min_p = 0.61}, 0).kept == Kept{0});
    CHECK(drawn(logits, {.min_p = 1}, 0).kept == Kept{0});
  }

  TEST_CASE("each filter sees what the one before has left") {
    const auto logits = likely({0.4, 0.3, 0.2, 0.1});

    // Of the two that top_k leaves the first has 4/7 = 0.571.
    CHECK(drawn(logits, {.top_k = 2, .top_p = 0.57}, 0).kept == Kept{0});
    CHECK(drawn(logits, {.top_k = 2, .top_p = 0.58}, 0).kept == Kept{0, 1});
    // The first two reach 0.7; min_p then drops the second.
    CHECK(drawn(logits, {.top_p = 0.69, .min_p = 0.8}, 0).kept == Kept{0});
  }

  TEST_CASE("the log-probability is that before the filters") {
    const auto logits = likely({0.4, 0.6});

    CHECK(drawn(logits, {.top_k = 1}, 0).log_probability == doctest::Approx(std::log(0.6)));
  }

  TEST_CASE("only allowed tokens are drawn, and probabilities are among them") {
    const auto logits = likely({0.7, 0.1, 0.2});
    const Kept allowed{1, 2};

    const Drawn one = drawn(logits, {}, 0.9, &allowed);

    CHECK(one.token == 1);
    CHECK(one.log_probability == doctest::Approx(std::log(1.0 / 3)));
    CHECK(one.kept == allowed);
    CHECK(drawn(logits, {.temperature = 0}, 0, &allowed).token == 2);
  }

  TEST_CASE("minus infinity is never drawn nor kept") {
    const Drawn one = drawn({-kInfinity, 0, -kInfinity, 0}, {}, 0.999);

    CHECK(one.token == 3);
    CHECK(one.kept == Kept{1, 3});
  }

  TEST_CASE("what is no number is refused") {
    const Kept none;

    CHECK_THROWS_AS(drawn({0, kNaN}, {}, 0), std::domain_error);
    CHECK_THROWS_AS(drawn({0, kNaN}, {.temperature = 0}, 0), std::domain_error);
    CHECK_THROWS_AS(drawn({0, kInfinity}, {}, 0), std::domain_error);
    CHECK_THROWS_AS(drawn({-kInfinity, -kInfinity}, {}, 0), std::domain_error);
    CHECK_THROWS_AS(drawn({0, 0}, {}, 0, &none), std::domain_error);
    CHECK_THROWS_AS(drawn({}, {}, 0), std::domain_error);
  }

  TEST_CASE("parameters out of range are named") {
    CHECK(!engine::wrong_with({}));
    CHECK(engine::wrong_with({.temperature = -1})->find("temperature") == 0);
    CHECK(engine::wrong_with({.temperature = kNaN})->find("temperature") == 0);
    CHECK(engine::wrong_with({.temperature = kInfinity})->find("temperature") == 0);
    CHECK(engine::wrong_with({.top_k = -1})->find("top_k") == 0);
    CHECK(engine::wrong_with({.top_p = 0})->find("top_p") == 0);
    CHECK(engine::wrong_with({.top_p = 1.5})->find("top_p") == 0);
    CHECK(engine::wrong_with({.min_p = kNaN})->find("min_p") == 0);
  }

  TEST_CASE("large logits do not overflow") {
    const Drawn one = drawn({3e38f, -3e38f, 3e38f}, {}, 0.75);

    CHECK(one.token == 2);
    CHECK(one.log_probability == doctest::Approx(std::log(0.5)));
  }

  TEST_CASE("sorting only what is looked at draws what sorting everything draws") {
    const Sampling samplings[] = {{},
                                  {.temperature = 0.3},
                                  {.temperature = 3},
                                  {.top_k = 100},
                                  {.top_p = 0.9},
                                  {.top_k = 700, .top_p = 0.8, .min_p = 0.01},
                                  {.min_p = 0.001}};
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const auto logits = many_logits(2000, seed);
      for (const Sampling& sampling : samplings)
        for (const double at : {0.0, 0.1, 0.5, 0.9, 0.999})
          CHECK(drawn(logits, sampling, at).token == naive_token(logits, sampling, at));
    }
  }

  TEST_CASE("the kernels' twin draws the same bits") {
    const Sampling samplings[] = {{},
                                  {.temperature = 0},
                                  {.temperature = 0.3},
                                  {.top_k = 100},
                                  {.top_p = 0.9},
                                  {.top_k = 700, .top_p = 0.8, .min_p = 0.01},
                                  {.top_p = 0.99, .min_p = 0.001}};
    for (uint64_t seed = 0; seed < 10; ++seed) {
      auto logits = many_logits(2000, seed);
      if (seed % 2 == 1)
        for (float& x : logits) x = x < 1 ? -kInfinity : std::round(x);
      for (const Sampling& sampling : samplings) {
        const double at = uniform(seed, 5, 5);
        const Drawn expected = drawn(logits, sampling, at);
        const DrawRule rule{.temperature = sampling.temperature,
                            .top_p = sampling.top_p,
                            .min_p = sampling.min_p,
                            .at = at,
                            .top_k = sampling.top_k};
        DrawnRow row;
        cpu::draw({.logits = {logits.data(), {1, 2000}},
                   .rule = {&rule, {1}},
                   .drawn = {&row, {1}},
                   .kept = {}});
        CHECK(row.token == expected.token);
        CHECK(row.log_probability == expected.log_probability);
        CHECK(row.log_kept == expected.log_kept);
        CHECK(row.count == int32_t(expected.kept.empty() ? 2000 : expected.kept.size()));
      }
    }
  }

  TEST_CASE("equal logits over a whole vocabulary are drawn by index") {
    const std::vector<float> logits(129280, 1.5f);

    CHECK(drawn(logits, {}, 0.5).token == 64640);
    CHECK(drawn(logits, {.top_k = 100}, 0.995).token == 99);
  }
}
