#include "kernels/draw.h"

#include <numeric>

#include "tests/kernels/draw_case.h"

using namespace kernel_test;
using End = DrawnRow::End;
using Tokens = std::vector<int32_t>;

namespace {

constexpr double kAlmostOne = 1 - 0x1p-53;

struct Drawn {
  DrawnRow row = {};
  Tokens kept = {};
};

Drawn drawn(const std::vector<float>& logits, DrawRule rule) {
  const auto vocabulary = int64_t(logits.size()), words = Draw::kept_words(vocabulary);
  rule.keep = DrawRule::Keep::Yes;
  Drawn made;
  std::vector<uint32_t> bits(std::size_t(words), 0xFFFFFFFFu);
  cpu::draw({.logits = {logits.data(), {1, vocabulary}},
             .rule = {&rule, {1}},
             .drawn = {&made.row, {1}},
             .kept = {bits.data(), {1, words}}});
  if (made.row.end == End::Drawn) made.kept = tokens_of(bits.data(), vocabulary);
  return made;
}

// Logits of these probabilities.
std::vector<float> likely(const std::vector<double>& probability) {
  std::vector<float> logits;
  for (const double p : probability) logits.push_back(float(std::log(p)));
  return logits;
}

Tokens first(int32_t count) {
  Tokens tokens(std::size_t(count), 0);
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

}  // namespace

TEST_SUITE("kernels/draw") {
  TEST_CASE("temperature 0 draws the largest logit, of equals the lower index, whatever `at`") {
    const auto d = drawn({1, 3, 3, 2}, {.temperature = 0, .at = 0.99});
    CHECK(d.row.token == 1);
    CHECK(d.row.count == 1);
    CHECK(d.kept == Tokens{1});
    CHECK(drawn({-0.f, 0.f}, {.temperature = 0}).row.token == 0);
    CHECK(drawn({0.f, -0.f}, {.temperature = 0}).row.token == 0);
    CHECK(drawn(likely({0.2, 0.8}), {.temperature = 0}).row.log_probability ==
          doctest::Approx(std::log(0.8)));
    CHECK(drawn(likely({0.2, 0.8}), {.temperature = 0}).row.log_kept ==
          doctest::Approx(std::log(0.8)));
  }

  TEST_CASE("tokens share [0, 1) in order of falling logits") {
    const auto logits = likely({0.1, 0.5, 0.3, 0.1});
    const std::pair<double, int32_t> tokens[] = {{0, 1},    {0.49, 1}, {0.51, 2}, {0.79, 2},
                                                 {0.81, 0}, {0.89, 0}, {0.91, 3}, {kAlmostOne, 3}};
    for (const auto& [at, token] : tokens) CHECK(drawn(logits, {.at = at}).row.token == token);
  }

  TEST_CASE("a temperature divides the logits") {
    const auto d = drawn({0, 2}, {.temperature = 2, .at = 0.99});
    CHECK(d.row.token == 0);
    CHECK(d.row.log_probability == doctest::Approx(-std::log(1 + std::exp(1.0))));
  }

  TEST_CASE("top_k keeps the first of equal logits") {
    CHECK(drawn({1, 5, 1, 1, 5}, {.top_k = 3}).kept == Tokens{0, 1, 4});
    CHECK(drawn({1, 5, 1}, {.top_k = 9}).kept == Tokens{0, 1, 2});
  }

  TEST_CASE("top_p keeps the fewest whose sum reaches it") {
    const std::vector<float> equal(4, 2.f);
    CHECK(drawn(equal, {.top_p = 0.5}).kept == Tokens{0, 1});
    CHECK(drawn(equal, {.top_p = 0.51}).kept == Tokens{0, 1, 2});
    CHECK(drawn(equal, {.top_p = 0.75}).kept == Tokens{0, 1, 2});
    CHECK(drawn(equal, {.top_p = 1e-9}).kept == Tokens{0});
    CHECK(drawn(equal, {}).kept == Tokens{0, 1, 2, 3});
  }

  TEST_CASE("min_p keeps what is so likely beside the likeliest") {
    CHECK(drawn(likely({0.4, 0.2, 0.3, 0.1}), {.min_p = 0.7}).kept == Tokens{0, 2});
    CHECK(drawn({3, 1, 3}, {.min_p = 1}).kept == Tokens{0, 2});
  }

  TEST_CASE("filters apply each to what the last one left") {
    const auto logits = likely({0.4, 0.3, 0.2, 0.1});
    CHECK(drawn(logits, {.top_p = 0.5}).kept == Tokens{0, 1});
    CHECK(drawn(logits, {.top_p = 0.5, .top_k = 2}).kept == Tokens{0});
    CHECK(drawn(logits, {.top_p = 0.95, .min_p = 0.6}).kept == Tokens{0, 1});
  }

  TEST_CASE("the share that is left is told beside the token's share of all") {
    const auto d = drawn(likely({0.1, 0.5, 0.3, 0.1}), {.top_p = 0.7, .at = 0.9});
    CHECK(d.row.token == 2);
    CHECK(d.row.count == 2);
    CHECK(d.kept == Tokens{1, 2});
    CHECK(d.row.log_kept == doctest::Approx(std::log(0.8)));
    CHECK(d.row.log_probability == doctest::Approx(std::log(0.3)));
    CHECK(drawn({1, 2}, {}).row.log_kept == 0);
  }

  TEST_CASE("-infinity is no token") {
    const auto d = drawn({-INFINITY, 0, -INFINITY, 0}, {.at = kAlmostOne});
    CHECK(d.row.token == 3);
    CHECK(d.row.count == 2);
    CHECK(d.kept == Tokens{1, 3});
    CHECK(d.row.log_probability == doctest::Approx(std::log(0.5)));
    CHECK(drawn({-INFINITY, -INFINITY}, {}).row.end == End::NothingFinite);
  }

  TEST_CASE("a token without weight is not drawn") {
    CHECK(drawn({0, -1e4f}, {.at = kAlmostOne}).row.token == 0);
    CHECK(drawn({0, -1e4f}, {}).row.count == 2);
    Draws draws(72);
    for (int round = 0; round < 20; ++round) {  // sums in another order may end below `at`
      auto logits = drawn_logits(draws, 300, 0);
      for (std::size_t i = 0; i < 300; i += 2) logits[i] = -1e4f;
      CHECK(drawn(logits, {.at = kAlmostOne}).row.token % 2 == 1);
    }
  }

  TEST_CASE("NaN and infinity refuse their row alone, and the first is named") {
    const std::vector<float> logits = {1, 2, NAN, INFINITY, 0, INFINITY, NAN, 1,
                                       3, 2, 1,   0,        0, 0,        NAN, INFINITY};
    std::vector<DrawRule> rule(4, {.temperature = 0, .keep = DrawRule::Keep::Yes});
    rule[3].temperature = 1;
    std::vector<DrawnRow> rows(4);
    std::vector<uint32_t> bits(4, 7);
    cpu::draw({.logits = {logits.data(), {4, 4}},
               .rule = {rule.data(), {4}},
               .drawn = {rows.data(), {4}},
               .kept = {bits.data(), {4, 1}}});
    CHECK(rows[0].end == End::NaN);
    CHECK(rows[0].token == 2);
    CHECK(rows[1].end == End::Infinite);
    CHECK(rows[1].token == 1);
    CHECK(rows[2].end == End::Drawn);
    CHECK(rows[2].token == 0);
    CHECK(rows[3].end == End::NaN);
    CHECK(bits == std::vector<uint32_t>{7, 7, 1, 7});
  }

  TEST_CASE("kept tokens are written where they are wanted") {
    const std::vector<float> logits = {1, 2, 3, 4};
    const std::vector<DrawRule> rule = {{}, {.keep = DrawRule::Keep::Yes}};
    std::vector<DrawnRow> rows(2);
    std::vector<uint32_t> bits(2, 0xF0);
    cpu::draw({.logits = {logits.data(), {2, 2}},
               .rule = {rule.data(), {2}},
               .drawn = {rows.data(), {2}},
               .kept = {bits.data(), {2, 1}}});
    CHECK(bits == std::vector<uint32_t>{0xF0, 3});
  }

  TEST_CASE("a plateau gives way from its end") {
    const std::vector<float> equal(5000, -7.f);
    const auto d = drawn(equal, {.top_p = 0.25, .at = 0.5});
    CHECK(d.row.token == 625);
    CHECK(d.kept == first(1250));
    CHECK(drawn(equal, {.at = 0.5, .top_k = 100}).row.token == 50);
  }

  TEST_CASE("what is drawn lies in its interval, and the filters leave what intervals say") {
    Draws draws(71);
    int checked = 0;
    for (const int64_t vocabulary : {1, 2, 63, 129, 1000, 5000}) {
      for (int round = 0; round < (vocabulary < 1000 ? 200 : 30); ++round) {
        const auto logits = drawn_logits(draws, vocabulary, round % kLogitKinds);
        const DrawRule rule = drawn_rule(draws, vocabulary);
        const Intervals expected = intervals(logits, rule);
        if (expected.close) continue;
        CAPTURE(vocabulary);
        CAPTURE(round);
        const Drawn d = drawn(logits, rule);
        ++checked;
        REQUIRE(d.row.end == End::Drawn);
        REQUIRE(d.row.token == expected.token);
        REQUIRE(d.row.count == int32_t(expected.kept.size()));
        REQUIRE(d.kept == expected.kept);
        REQUIRE(d.row.log_probability == doctest::Approx(expected.log_probability));
        REQUIRE(d.row.log_kept == doctest::Approx(expected.log_kept).epsilon(1e-6));
      }
    }
    CHECK(checked > 600);
  }
}
