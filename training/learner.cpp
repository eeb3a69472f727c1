#include "training/learner.h"

#include <algorithm>
#include <stdexcept>

namespace training {
namespace {

std::vector<const Rollout*> rollouts_of(std::span<const Example> examples) {
  std::vector<const Rollout*> rollouts;
  for (const Example& example : examples) rollouts.push_back(example.rollout);
  return rollouts;
}

std::size_t tokens_of(const Rollout& rollout) {
  return rollout.prompt->size() + rollout.answer.size() - 1;
}

// Where the answer's first target stands in the batch.
std::size_t first_target(const Batch& batch, std::size_t document, const Rollout& rollout) {
  return std::size_t(batch.first[document]) + rollout.prompt->size() - 1;
}

// As many of the first examples as a pass may have, at least one.
std::size_t in_one_pass(std::span<const Example> examples, int64_t batch_tokens) {
  std::size_t count = 0;
  int64_t tokens = 0;
  while (count < examples.size()) {
    tokens += int64_t(tokens_of(*examples[count].rollout));
    if (count > 0 && tokens > batch_tokens) break;
    ++count;
  }
  return count;
}

}  // namespace

Learner::Learner(const model::Config& config, const ParameterTable& table,
                 Arithmetic<float>& arithmetic)
    : config_(config),
      table_(table),
      network_(config_, arithmetic),
      optimiser_(table.all(), arithmetic.level(), arithmetic.threads()),
      gradients_(std::size_t(table.size())) {}

ParameterViews<const float> Learner::warmed(std::span<const float> weights, double temperature) {
  auto views = views_of<const float>(config_, table_, weights);
  norm_.assign(views.norm.data, views.norm.data + views.norm.size());
  for (float& x : norm_) x = float(double(x) / temperature);
  views.norm.data = norm_.data();
  return views;
}

std::vector<std::vector<double>> Learner::pass(const LearnerPlan& plan,
                                               std::span<const float> weights, const Batch& batch,
                                               std::span<const Example> examples) {
  network_.forward(warmed(weights, plan.temperature), batch, plan.pass);
  const auto all = network_.log_probability();
  std::vector<std::vector<double>> scores;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const Rollout& rollout = *examples[i].rollout;
    const auto mine = all.subspan(first_target(batch, i, rollout), rollout.answer.size());
    scores.emplace_back(mine.begin(), mine.end());
  }
  return scores;
}

std::vector<std::vector<double>> Learner::scores(const LearnerPlan& plan,
                                                 std::span<const Example> examples,
                                                 std::span<const float> weights) {
  std::vector<std::vector<double>> scores;
  while (!examples.empty()) {
    const auto some = examples.first(in_one_pass(examples, plan.batch_tokens));
    const Batch batch = batch_of(rollouts_of(some), config_, plan.replay);
    for (auto& mine : pass(plan, weights, batch, some)) scores.push_back(std::move(mine));
    examples = examples.subspan(some.size());
  }
  return scores;
}

void Learner::add_gradients(const LearnerPlan& plan, std::span<const Example> examples,
                            std::span<const float> weights, std::span<const float> reference,
                            const Extent& all, UpdateReport& report) {
  std::vector<std::vector<double>> referred;
  if (!reference.empty()) {
    // Another model chooses its experts itself; what could be drawn is the rollout's.
    const Batch batch = batch_of(rollouts_of(examples), config_,
                                 {.routing = Replay::Keep::No, .mask = plan.replay.mask});
    referred = pass(plan, reference, batch, examples);
  }
  const Batch batch = batch_of(rollouts_of(examples), config_, plan.replay);
  const auto now = pass(plan, weights, batch, examples);

  std::vector<std::vector<double>> sampled;
  for (const Example& example : examples)
    sampled.push_back(sampled_scores(*example.rollout, plan.replay));
  std::vector<AnswerScores> answers;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    AnswerScores answer{.now = now[i],
                        .sampled = sampled[i],
                        .reference = {},
                        .advantage = examples[i].advantage,
                        .domain = examples[i].domain};
    if (!referred.empty()) answer.reference = referred[i];
    answers.push_back(answer);
  }
  const ObjectiveValue value = evaluate(plan.objective, answers, all);

  std::vector<float> coefficient(std::size_t(batch.tokens()), 0.0F);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const std::size_t first = first_target(batch, i, *examples[i].rollout);
    for (std::size_t t = 0; t < value.coefficient[i].size(); ++t)
      coefficient[first + t] = float(value.coefficient[i][t]);
    report.clipped += double(value.answer[i].clipped) / double(all.tokens);
    report.masked += value.answer[i].masked ? 1 / double(all.answers) : 0;
  }
  for (const float entropy : network_.entropy()) report.entropy += entropy / double(all.tokens);
  report.loss += value.loss;
  report.divergence += value.divergence / double(all.tokens);
  report.ratio += value.ratio / double(all.tokens);
  report.answer.insert(report.answer.end(), value.answer.begin(), value.answer.end());
  network_.backward(coefficient, views_of<float>(config_, table_, std::span<float>(gradients_)));
}

UpdateReport Learner::update(const LearnerPlan& plan, std::span<const Example> examples,
                             std::span<float> weights, OptimiserState& state,
                             std::span<const float> reference) {
  if (!(plan.temperature > 0))
    throw std::invalid_argument("rollouts to be trained on are drawn at a temperature above 0");
  const bool measures =
      plan.objective.divergence != Objective::Divergence::None &&
      std::ranges::any_of(plan.objective.strength, [](double b) { return b > 0; });
  if (!measures) reference = {};
  Extent all{.answers = int64_t(examples.size())};
  for (const Example& example : examples) all.tokens += int64_t(example.rollout->answer.size());

  UpdateReport report;
  std::ranges::fill(gradients_, 0.0F);
  while (!examples.empty()) {
    const auto some = examples.first(in_one_pass(examples, plan.batch_tokens));
    add_gradients(plan, some, weights, reference, all, report);
    examples = examples.subspan(some.size());
  }
  const auto views = views_of<float>(config_, table_, std::span<float>(gradients_));
  for (int64_t i = 0; i < views.norm.size(); ++i)
    views.norm.data[i] = float(double(views.norm.data[i]) / plan.temperature);
  const StepReport step = optimiser_.step(state, weights, gradients_, {}, plan.rates);
  report.gradient_norm = step.gradient_norm;
  report.outcome = step.outcome;
  return report;
}

}  // namespace training
