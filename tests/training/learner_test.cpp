#include "training/learner.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/training/tiny_model.h"
#include "training/lexemes.h"

using namespace training;

namespace {

const model::Tokenizer& tokenizer() {
  static const model::Tokenizer t = model::Tokenizer::parse(tokenizer_json());
  return t;
}

constexpr engine::Sampling kSampling{.temperature = 1, .top_p = 0.8};

// A tiny policy with the engine over its weights.
struct Policy {
  model::Config config = [] {
    model::Config c = tiny_training::config();
    c.positions = 160;
    c.layers = 3;  // two of experts: what the last layer leaves out is seen
    return c;
  }();
  ParameterTable table{config};
  std::vector<float> weights = tiny_training::as<float>(tiny_training::weights(table, 1));
  Arithmetic<float> arithmetic{best_instructions(), 1, Precision::Float};
  Learner learner{config, table, arithmetic};
  Sampler sampler{config,
                  views_of<const float>(config, table, std::span<const float>(weights)),
                  arithmetic.kernels(),
                  tokenizer(),
                  {.rows_max = 64, .running_max = 16, .cache_bytes = 8 << 20}};
};

// Prompts that share a page, so that some find in the prefix tree what others computed.
std::vector<Ask> asks(uint64_t seed, uint64_t samples) {
  std::vector<Ask> result;
  for (int32_t which = 0; which < 3; ++which) {
    model::Tokens tokens;
    for (int32_t i = 0; i < 70; ++i) tokens.push_back((i * i + 3 * i) % 22);
    for (int32_t i = 0; i < 4; ++i) tokens.push_back(which + i);
    result.push_back({.prompt = std::make_shared<const model::Tokens>(tokens),
                      .seed = seed + uint64_t(which),
                      .samples = samples});
  }
  return result;
}

std::vector<Example> examples_of(const std::vector<Rollout>& rollouts) {
  std::vector<Example> examples;
  for (const Rollout& rollout : rollouts) examples.push_back({.rollout = &rollout});
  return examples;
}

double worst_difference(const Policy& policy, Learner& learner, const LearnerPlan& plan,
                        const std::vector<Rollout>& rollouts) {
  const auto now = learner.scores(plan, examples_of(rollouts), policy.weights);
  double worst = 0;
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const auto sampled = sampled_scores(rollouts[i], plan.replay);
    for (std::size_t t = 0; t < sampled.size(); ++t)
      worst = std::max(worst, std::abs(now[i][t] - sampled[t]));
  }
  return worst;
}

bool same(const Rollout& a, const Rollout& b) {
  return a.answer == b.answer && a.log_probability == b.log_probability && a.kept == b.kept &&
         a.log_kept == b.log_kept && a.experts == b.experts;
}

double share_of(const std::vector<Rollout>& rollouts, int32_t token) {
  double count = 0, all = 0;
  for (const Rollout& rollout : rollouts) {
    count += double(std::ranges::count(rollout.answer, token));
    all += double(rollout.answer.size());
  }
  return count / all;
}

}  // namespace

TEST_SUITE("training/learner") {
  TEST_CASE("what the engine recorded is what the trainer finds on equal weights") {
    Policy policy;
    const auto rollouts = policy.sampler.sample(asks(5, 4), kSampling, 12);
    REQUIRE(rollouts.size() == 12);
    LearnerPlan plan{.batch_tokens = 300};
    for (const auto routing : {Replay::Keep::No, Replay::Keep::Yes})
      for (const auto mask : {Replay::Keep::No, Replay::Keep::Yes}) {
        plan.replay = {.routing = routing, .mask = mask};
        CHECK(worst_difference(policy, policy.learner, plan, rollouts) < 1e-4);
      }
    const auto truncated = [](const Rollout& r) {
      return std::ranges::any_of(r.log_kept, [](float x) { return x < -0.01f; });
    };
    CHECK(std::ranges::any_of(rollouts, truncated));  // the mask had something to do
  }

  TEST_CASE("a temperature is the trainer's too") {
    Policy policy;
    const auto rollouts = policy.sampler.sample(asks(5, 4), {.temperature = 1.5, .top_p = 0.9}, 12);
    CHECK(worst_difference(policy, policy.learner, {.temperature = 1.5}, rollouts) < 1e-4);
    CHECK(worst_difference(policy, policy.learner, {.temperature = 1.0}, rollouts) > 1e-2);
  }

  TEST_CASE("every prompt token has experts, the last layer's only where it is asked") {
    Policy policy;
    const auto rollouts = policy.sampler.sample(asks(5, 4), kSampling, 12);
    constexpr std::size_t kWidth = 4;  // two layers, two experts each
    for (const Rollout& rollout : rollouts) {
      REQUIRE(rollout.experts.size() ==
              (rollout.prompt->size() + rollout.answer.size() - 1) * kWidth);
      for (std::size_t row = 0; row * kWidth < rollout.experts.size(); ++row) {
        CHECK(rollout.experts[row * kWidth] >= 0);
        CHECK(rollout.experts[row * kWidth + 1] >= 0);
        if (row + 1 < rollout.prompt->size()) continue;
        CHECK(rollout.experts[row * kWidth + 2] >= 0);
      }
    }
  }

  TEST_CASE("kept routing holds when the router has changed") {
    Policy policy;
    const auto rollouts = policy.sampler.sample(asks(5, 2), kSampling, 8);
    const Batch kept = batch_of(std::vector<const Rollout*>{&rollouts[0]}, policy.config, {});
    const Parameter& router = policy.table.find("model.layers.1.mlp.gate.weight");
    for (int64_t i = 0; i < router.size(); ++i)
      policy.weights[std::size_t(router.offset + i)] *= -1;
    TrainingNetwork<float> network(policy.config, policy.arithmetic);
    network.forward(
        views_of<const float>(policy.config, policy.table, std::span<const float>(policy.weights)),
        kept, {});
    for (std::size_t i = 0; i < kept.experts.size(); ++i)
      if (kept.experts[i] >= 0) CHECK(network.experts()[i] == kept.experts[i]);
  }

  TEST_CASE("rollouts are equal for equal seeds, and read the weights as they are") {
    Policy policy;
    const auto first = policy.sampler.sample(asks(5, 4), kSampling, 12);
    const auto again = policy.sampler.sample(asks(5, 4), kSampling, 12);
    const auto other = policy.sampler.sample(asks(50, 4), kSampling, 12);
    CHECK(std::ranges::equal(first, again, same));
    CHECK_FALSE(std::ranges::equal(first, other, same));

    for (float& w : policy.weights) w *= 1.1f;
    const auto changed = policy.sampler.sample(asks(5, 4), kSampling, 12);
    CHECK_FALSE(std::ranges::equal(first, changed, same));
    CHECK(worst_difference(policy, policy.learner, {}, changed) < 1e-4);
  }

  TEST_CASE("a token that is rewarded becomes more frequent, under every preset") {
    for (const Objective& objective : {v32(), grpo(), dr_grpo(), dapo()}) {
      Policy policy;
      const std::vector<float> reference = policy.weights;
      OptimiserState state(policy.table.size());
      LearnerPlan plan{.objective = objective};
      plan.objective.constant = 12;
      plan.rates.adamw = 3e-3;
      constexpr int32_t kToken = 7;
      constexpr uint64_t kGroup = 8;
      const double before = share_of(policy.sampler.sample(asks(999, 16), kSampling, 12), kToken);
      for (uint64_t step = 0; step < 12; ++step) {
        const auto rollouts = policy.sampler.sample(asks(100 * step, kGroup), kSampling, 12);
        auto examples = examples_of(rollouts);
        for (std::size_t first = 0; first < rollouts.size(); first += kGroup) {
          std::vector<double> rewards;
          for (std::size_t i = first; i < first + kGroup; ++i)
            rewards.push_back(share_of({rollouts[i]}, kToken));
          const auto advantage = advantages(objective.advantage, rewards);
          for (std::size_t i = 0; i < kGroup; ++i) examples[first + i].advantage = advantage[i];
        }
        const UpdateReport report =
            policy.learner.update(plan, examples, policy.weights, state, reference);
        CHECK(report.outcome == StepReport::Outcome::Done);
        CHECK(report.ratio == doctest::Approx(1).epsilon(1e-3));  // on policy
      }
      const double after = share_of(policy.sampler.sample(asks(999, 16), kSampling, 12), kToken);
      CAPTURE(before);
      CAPTURE(after);
      CHECK(after > before + 0.1);
    }
  }

  TEST_CASE("one pass and several give the same step") {
    Policy one, several;
    const auto rollouts = one.sampler.sample(asks(5, 2), kSampling, 8);
    auto examples = examples_of(rollouts);
    for (std::size_t i = 0; i < examples.size(); ++i) examples[i].advantage = i % 2 ? 0.5 : -0.5;
    OptimiserState a(one.table.size()), b(one.table.size());
    std::vector<float> reference = one.weights;
    for (float& w : reference) w *= 0.9f;

    const auto whole =
        one.learner.update({.batch_tokens = 10000}, examples, one.weights, a, reference);
    const auto cut =
        several.learner.update({.batch_tokens = 1}, examples, several.weights, b, reference);

    CHECK(cut.loss == doctest::Approx(whole.loss));
    CHECK(cut.gradient_norm == doctest::Approx(whole.gradient_norm).epsilon(1e-3));
    CHECK(whole.divergence > 1e-4);
    CHECK(cut.answer.size() == examples.size());
  }
}
