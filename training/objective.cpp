#include "training/objective.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace training {
namespace {

// Below it a group's rewards count as equal: sums of a few halves round to less.
constexpr double kEqual = 1e-9;
// Added to the deviation, so that nearly equal rewards do not blow up (TRL uses the same).
constexpr double kDeviationLeast = 1e-4;

double mean_of(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / double(x.size());
}

// Of one token: the objective's part and its derivative by log p.
struct Term {
  double value = 0, slope = 0;
};

Term policy_term(const Objective& objective, double ratio, double advantage, bool& clipped) {
  clipped = (advantage > 0 && ratio > 1 + objective.clip_high) ||
            (advantage < 0 && ratio < 1 - objective.clip_low);
  if (!clipped) return {ratio * advantage, ratio * advantage};
  return {(advantage > 0 ? 1 + objective.clip_high : 1 - objective.clip_low) * advantage, 0};
}

// Of D. log_q = log(p_reference / p).
Term divergence_term(Objective::Divergence kind, double ratio, double log_q) {
  const double k3 = std::exp(log_q) - log_q - 1;
  switch (kind) {
    case Objective::Divergence::K3:
      return {k3, 1 - std::exp(log_q)};
    case Objective::Divergence::Unbiased:
      return {ratio * k3, -ratio * log_q};
    case Objective::Divergence::None:
      break;
  }
  return {};
}

double weight_of(const Objective& objective, const AnswerScores& answer, const Extent& all) {
  switch (objective.aggregation) {
    case Objective::Aggregation::Sequences:
      return 1 / (double(all.answers) * double(answer.now.size()));
    case Objective::Aggregation::Tokens:
      return 1 / double(all.tokens);
    case Objective::Aggregation::Constant:
      break;
  }
  return 1 / (double(all.answers) * objective.constant);
}

void check(const AnswerScores& answer) {
  if (answer.sampled.size() != answer.now.size() ||
      (!answer.reference.empty() && answer.reference.size() != answer.now.size()))
    throw std::invalid_argument("an answer's log-probabilities differ in number");
  if (answer.domain >= Objective::kDomains)
    throw std::invalid_argument("an answer belongs to no domain");
}

double mean_log_ratio(const AnswerScores& answer) {
  double sum = 0;
  for (std::size_t t = 0; t < answer.now.size(); ++t) sum += answer.now[t] - answer.sampled[t];
  return answer.now.empty() ? 0 : sum / double(answer.now.size());
}

void add_answer(const Objective& objective, const AnswerScores& scores, const Extent& all,
                ObjectiveValue& value) {
  const double weight = weight_of(objective, scores, all);
  const double strength = scores.reference.empty() ? 0 : objective.strength[scores.domain];
  ObjectiveValue::Answer answer{.log_ratio = mean_log_ratio(scores)};
  answer.masked = objective.off_policy_max > 0 && scores.advantage < 0 &&
                  -answer.log_ratio > objective.off_policy_max;
  std::vector<double> coefficient;
  coefficient.reserve(scores.now.size());
  for (std::size_t t = 0; t < scores.now.size(); ++t) {
    const double ratio = std::exp(scores.now[t] - scores.sampled[t]);
    bool clipped = false;
    Term term = policy_term(objective, ratio, scores.advantage, clipped);
    if (answer.masked) term = {};
    answer.clipped += clipped && !answer.masked ? 1 : 0;
    if (!scores.reference.empty()) {
      const Term d =
          divergence_term(objective.divergence, ratio, scores.reference[t] - scores.now[t]);
      value.divergence += d.value;
      term.value -= strength * d.value;
      term.slope -= strength * d.slope;
    }
    value.ratio += ratio;
    value.loss -= weight * term.value;
    coefficient.push_back(weight * term.slope);
  }
  value.answer.push_back(answer);
  value.coefficient.push_back(std::move(coefficient));
}

}  // namespace

Objective v32() { return {}; }

Objective grpo() {
  return {.advantage = Objective::Advantage::Standardised,
          .divergence = Objective::Divergence::K3,
          .strength = {0.04, 0.04, 0.04, 0.04},
          .off_policy_max = 0,
          .equal_groups = Objective::EqualGroups::Keep};
}

Objective dr_grpo() {
  return {.divergence = Objective::Divergence::None,
          .off_policy_max = 0,
          .aggregation = Objective::Aggregation::Constant,
          .equal_groups = Objective::EqualGroups::Keep};
}

Objective dapo() {
  return {.advantage = Objective::Advantage::Standardised,
          .clip_high = 0.28,
          .divergence = Objective::Divergence::None,
          .off_policy_max = 0,
          .aggregation = Objective::Aggregation::Tokens,
          .equal_groups = Objective::EqualGroups::Refill,
          .overlong_tokens = 64};
}

bool all_equal(std::span<const double> rewards) {
  const auto [least, most] = std::ranges::minmax_element(rewards);
  return rewards.empty() || *most - *least <= kEqual;
}

std::vector<double> advantages(Objective::Advantage kind, std::span<const double> rewards) {
  std::vector<double> result(rewards.size(), 0.0);
  if (all_equal(rewards)) return result;
  const double mean = mean_of(rewards);
  double squares = 0;
  for (const double r : rewards) squares += (r - mean) * (r - mean);
  const double divisor = kind == Objective::Advantage::Mean
                             ? 1
                             : std::sqrt(squares / double(rewards.size())) + kDeviationLeast;
  for (std::size_t i = 0; i < rewards.size(); ++i) result[i] = (rewards[i] - mean) / divisor;
  return result;
}

double overlong_penalty(const Objective& objective, int64_t tokens, int64_t tokens_max) {
  if (objective.overlong_tokens <= 0) return 0;
  const int64_t over = tokens - (tokens_max - objective.overlong_tokens);
  return std::clamp(double(over) / double(objective.overlong_tokens), 0.0, 1.0);
}

Extent extent_of(std::span<const AnswerScores> answers) {
  Extent extent{.answers = int64_t(answers.size())};
  for (const AnswerScores& answer : answers) extent.tokens += int64_t(answer.now.size());
  return extent;
}

ObjectiveValue evaluate(const Objective& objective, std::span<const AnswerScores> answers,
                        const Extent& all) {
  ObjectiveValue value;
  for (const AnswerScores& answer : answers) {
    check(answer);
    add_answer(objective, answer, all, value);
  }
  return value;
}

}  // namespace training
