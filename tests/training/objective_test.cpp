#include "training/objective.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

using namespace training;

namespace {

constexpr std::size_t kIds = 5;

// A softmax over kept ids, one row of logits for each token of each answer: the smallest policy.
struct Policy {
  std::vector<std::size_t> length;      // of the answers
  std::vector<double> logits;           // [tokens of all answers, kIds]
  std::vector<std::vector<bool>> kept;  // [tokens][kIds]
  std::vector<std::size_t> target;      // [tokens]

  double log_sum(std::size_t t) const {
    double sum = 0;
    for (std::size_t i = 0; i < kIds; ++i)
      if (kept[t][i]) sum += std::exp(logits[t * kIds + i]);
    return std::log(sum);
  }
  double log_probability(std::size_t t) const { return logits[t * kIds + target[t]] - log_sum(t); }
};

Policy policy(uint64_t seed) {
  std::mt19937_64 engine(seed);
  Policy p{.length = {4, 2, 5, 3}, .logits = {}, .kept = {}, .target = {}};
  for (std::size_t t = 0; t < 14; ++t) {
    p.target.push_back(engine() % kIds);
    p.kept.push_back({});
    for (std::size_t i = 0; i < kIds; ++i) {
      p.logits.push_back(double(engine() % 4000) / 1000 - 2);
      p.kept.back().push_back(i == p.target.back() || engine() % 3 != 0);
    }
  }
  return p;
}

struct Case {
  Policy now = policy(1);
  // Apart from now by up to half a nat, so that some tokens are clipped and others not.
  std::vector<double> sampled, reference;
  std::vector<double> advantage = {0.7, -0.4, -0.6, 0.3};
};

Case make_case() {
  Case c;
  std::mt19937_64 engine(7);
  const auto near = [&](std::size_t t, double spread) {
    return c.now.log_probability(t) + spread * (double(engine() % 2000) / 1000 - 1);
  };
  for (std::size_t t = 0; t < c.now.target.size(); ++t) {
    c.sampled.push_back(near(t, 0.5));
    c.reference.push_back(near(t, 1));
  }
  // The second has become likelier; the third, of a negative advantage, has become much rarer than
  // it was.
  for (std::size_t t = 6; t < 11; ++t) c.sampled[t] = c.now.log_probability(t) + 0.6;
  for (std::size_t t = 4; t < 6; ++t) c.sampled[t] = c.now.log_probability(t) - 0.1;
  return c;
}

ObjectiveValue value_of(const Objective& objective, const Case& c) {
  std::vector<std::vector<double>> now;
  std::vector<AnswerScores> answers;
  std::size_t first = 0;
  for (std::size_t i = 0; i < c.now.length.size(); ++i) {
    now.emplace_back();
    for (std::size_t t = 0; t < c.now.length[i]; ++t)
      now.back().push_back(c.now.log_probability(first + t));
    first += c.now.length[i];
  }
  first = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    answers.push_back({.now = now[i],
                       .sampled = std::span(c.sampled).subspan(first, now[i].size()),
                       .reference = std::span(c.reference).subspan(first, now[i].size()),
                       .advantage = c.advantage[i],
                       .domain = i % 2});
    first += now[i].size();
  }
  return evaluate(objective, answers, extent_of(answers));
}

// The gradient of the loss by the logits, from the coefficients.
std::vector<double> gradient_of(const Objective& objective, const Case& c) {
  const ObjectiveValue value = value_of(objective, c);
  std::vector<double> gradient(c.now.logits.size(), 0.0);
  std::size_t t = 0;
  for (const auto& answer : value.coefficient) {
    for (const double coefficient : answer) {
      const double log_sum = c.now.log_sum(t);
      for (std::size_t i = 0; i < kIds; ++i) {
        if (!c.now.kept[t][i]) continue;
        const double p = std::exp(c.now.logits[t * kIds + i] - log_sum);
        gradient[t * kIds + i] = coefficient * (p - (i == c.now.target[t] ? 1 : 0));
      }
      ++t;
    }
  }
  return gradient;
}

void check_slopes(const Objective& objective) {
  constexpr double kStep = 1e-5;
  Case c = make_case();
  const std::vector<double> gradient = gradient_of(objective, c);
  double most = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    CAPTURE(i);
    Case up = c, down = c;
    up.now.logits[i] += kStep;
    down.now.logits[i] -= kStep;
    const double slope =
        (value_of(objective, up).loss - value_of(objective, down).loss) / (2 * kStep);
    CHECK(std::abs(slope - gradient[i]) < 1e-8);
    most = std::max(most, std::abs(gradient[i]));
  }
  CHECK(most > 0.01);
}

Objective with(Objective objective, auto change) {
  change(objective);
  return objective;
}

// One answer of two tokens; ratios and divergences by hand.
ObjectiveValue one(const Objective& objective, std::vector<double> now, std::vector<double> sampled,
                   std::vector<double> reference, double advantage) {
  const AnswerScores answer{
      .now = now, .sampled = sampled, .reference = reference, .advantage = advantage};
  return evaluate(objective, {&answer, 1}, {.answers = 1, .tokens = int64_t(now.size())});
}

const double kHalf = std::log(0.5), kQuarter = std::log(0.25);

}  // namespace

TEST_SUITE("training/objective") {
  TEST_CASE("coefficients are the slopes of the loss, for every preset") {
    for (Objective objective : {v32(), grpo(), dr_grpo(), dapo()}) {
      objective.constant = 6;
      check_slopes(objective);
    }
  }

  TEST_CASE("coefficients are the slopes with every divergence and aggregation") {
    for (const auto divergence :
         {Objective::Divergence::None, Objective::Divergence::K3, Objective::Divergence::Unbiased})
      for (const auto aggregation :
           {Objective::Aggregation::Sequences, Objective::Aggregation::Tokens,
            Objective::Aggregation::Constant})
        check_slopes(with(v32(), [&](Objective& o) {
          o.divergence = divergence;
          o.aggregation = aggregation;
          o.constant = 6;
          o.strength = {0.3, 0.7, 0, 0};
        }));
  }

  TEST_CASE("the case has clipped tokens, free ones and a masked answer") {
    const ObjectiveValue value = value_of(v32(), make_case());

    CHECK(value.answer[2].masked);
    CHECK(std::ranges::count_if(value.answer, [](const auto& a) { return a.masked; }) == 1);
    int64_t clipped = 0;
    for (const auto& answer : value.answer) clipped += answer.clipped;
    CHECK(clipped > 0);
    CHECK(clipped < 9);
  }

  TEST_CASE("rewards are taken against their group's mean, or its deviation too") {
    const std::vector<double> rewards = {1, 0, 0, 1};
    CHECK(advantages(Objective::Advantage::Mean, rewards) ==
          std::vector<double>{0.5, -0.5, -0.5, 0.5});
    CHECK(advantages(Objective::Advantage::Standardised, rewards)[0] ==
          doctest::Approx(1).epsilon(1e-3));
    CHECK(advantages(Objective::Advantage::Standardised, std::vector<double>{0.3, 0.3, 0.3}) ==
          std::vector<double>{0, 0, 0});
    CHECK(all_equal(std::vector<double>{0.3, 0.3}));
    CHECK_FALSE(all_equal(rewards));
  }

  TEST_CASE("a ratio beyond the clip in the advantage's direction has no slope") {
    const Objective o = with(dapo(), [](Objective& x) { x.clip_high = 0.28; });
    const auto rising = one(o, {kHalf, kHalf}, {std::log(0.4), std::log(0.39)}, {}, 1);
    CHECK(rising.coefficient[0][0] == doctest::Approx(1.25 / 2));  // 1.25 < 1.28
    CHECK(rising.coefficient[0][1] == 0);                          // 1.282
    CHECK(rising.loss == doctest::Approx(-(1.25 + 1.28) / 2));
    CHECK(rising.answer[0].clipped == 1);
    CHECK(one(grpo(), {kHalf, kHalf}, {std::log(0.4), std::log(0.39)}, {}, 1).answer[0].clipped ==
          2);  // 1.2
    const auto falling = one(o, {std::log(0.39)}, {kHalf}, {}, -1);
    CHECK(falling.coefficient[0][0] == 0);  // 0.78 < 0.8
    CHECK(one(o, {std::log(0.41)}, {kHalf}, {}, -1).coefficient[0][0] == doctest::Approx(-0.82));
    CHECK(one(o, {kHalf}, {kQuarter}, {}, -1).coefficient[0][0] == doctest::Approx(-2));  // worse
  }

  TEST_CASE("the unbiased divergence has the true one's slope, K3 another") {
    const auto none = [](Objective& o) { o.strength = {1, 0, 0, 0}; };
    const auto unbiased = one(with(v32(), none), {kHalf}, {kQuarter}, {kQuarter}, 0);
    // r = 2, p / p_reference = 2: D = 2 (0.5 + log 2 - 1), slope 2 log 2.
    CHECK(unbiased.divergence == doctest::Approx(2 * (0.5 + std::log(2.0) - 1)));
    CHECK(unbiased.coefficient[0][0] == doctest::Approx(-2 * std::log(2.0)));
    const auto k3 = one(with(grpo(), none), {kHalf}, {kQuarter}, {kQuarter}, 0);
    CHECK(k3.divergence == doctest::Approx(0.5 + std::log(2.0) - 1));
    CHECK(k3.coefficient[0][0] == doctest::Approx(-0.5));
    CHECK(one(dapo(), {kHalf}, {kQuarter}, {kQuarter}, 0).coefficient[0][0] == 0);
  }

  TEST_CASE("each domain has its own strength of divergence") {
    const Objective o = with(v32(), [](Objective& x) { x.strength = {0, 0.5, 0, 0}; });
    const std::vector<double> now = {kHalf}, sampled = {kHalf}, reference = {kQuarter};
    AnswerScores answer{.now = now, .sampled = sampled, .reference = reference};
    const auto slope = [&] {
      return evaluate(o, {&answer, 1}, {.answers = 1, .tokens = 1}).coefficient[0][0];
    };
    CHECK(slope() == 0);
    answer.domain = 1;
    CHECK(slope() == doctest::Approx(-0.5 * std::log(2.0)));
    answer.domain = 4;
    CHECK_THROWS_AS(slope(), std::invalid_argument);
  }

  TEST_CASE("answers that got worse and rarer are masked, and keep their divergence") {
    const std::vector<double> rare = {kQuarter, kQuarter}, was = {kHalf, kHalf};
    const auto masked = one(v32(), rare, was, rare, -1);
    CHECK(masked.answer[0].masked);
    CHECK(masked.answer[0].log_ratio == doctest::Approx(-std::log(2.0)));
    CHECK(masked.loss == 0);
    CHECK_FALSE(one(v32(), rare, was, rare, 1).answer[0].masked);   // a good one stays
    CHECK_FALSE(one(v32(), was, rare, rare, -1).answer[0].masked);  // likelier than it was
    CHECK_FALSE(one(with(v32(), [](Objective& o) { o.off_policy_max = 0.7; }), rare, was, rare, -1)
                    .answer[0]
                    .masked);
    CHECK_FALSE(one(grpo(), rare, was, rare, -1).answer[0].masked);
    CHECK(one(v32(), rare, was, was, -1).coefficient[0][0] > 0);  // the divergence's own
  }

  TEST_CASE("answers of 1 and 3 tokens weigh as the aggregation says") {
    const std::vector<double> p(3, kHalf);
    const std::vector<AnswerScores> answers = {
        {.now = std::span(p).first(1),
         .sampled = std::span(p).first(1),
         .reference = {},
         .advantage = 1},
        {.now = p, .sampled = p, .reference = {}, .advantage = 1}};
    const auto weights = [&](const Objective& o) {
      const auto value = evaluate(o, answers, extent_of(answers));
      return std::vector<double>{value.coefficient[0][0], value.coefficient[1][0]};
    };
    CHECK(weights(v32()) == std::vector<double>{1.0 / 2, 1.0 / 6});
    CHECK(weights(dapo()) == std::vector<double>{1.0 / 4, 1.0 / 4});
    CHECK(weights(with(dr_grpo(), [](Objective& o) { o.constant = 8; })) ==
          std::vector<double>{1.0 / 16, 1.0 / 16});
  }

  TEST_CASE("parts of the answers add up to the whole") {
    const std::vector<double> p(3, kHalf), old = {kQuarter, kHalf, kHalf};
    const std::vector<AnswerScores> answers = {
        {.now = p, .sampled = old, .reference = old, .advantage = 1},
        {.now = p, .sampled = p, .reference = old, .advantage = -1}};
    const Extent all = extent_of(answers);
    const auto whole = evaluate(v32(), answers, all);
    const auto first = evaluate(v32(), std::span(answers).first(1), all);
    const auto second = evaluate(v32(), std::span(answers).last(1), all);
    CHECK(first.loss + second.loss == doctest::Approx(whole.loss));
    CHECK(second.coefficient[0] == whole.coefficient[1]);
  }

  TEST_CASE("the last tokens before the limit cost more and more") {
    Objective o = dapo();
    o.overlong_tokens = 10;
    CHECK(overlong_penalty(o, 90, 100) == 0);
    CHECK(overlong_penalty(o, 95, 100) == doctest::Approx(0.5));
    CHECK(overlong_penalty(o, 100, 100) == 1);
    CHECK(overlong_penalty(v32(), 100, 100) == 0);
  }
}
