#pragma once

#include <span>
#include <vector>

#include "training/network.h"
#include "training/objective.h"
#include "training/optimiser.h"
#include "training/rollout.h"

namespace training {

// A rewarded rollout.
struct Example {
  const Rollout* rollout = nullptr;
  double advantage = 0;
  std::size_t domain = 0;
};

struct LearnerPlan {
  Objective objective = {};
  Replay replay = {};
  StepRates rates = {.algorithm = StepRates::Algorithm::AdamW, .adamw = 1e-4, .bias = 0};
  PassOptions pass = {};
  double temperature = 1;        // that rollouts were drawn at, above 0
  int64_t batch_tokens = 16384;  // of one pass: a step may need several
};

struct UpdateReport {
  double loss = 0;
  double divergence = 0, ratio = 0, entropy = 0;  // means over tokens
  double clipped = 0;                             // share of tokens
  double masked = 0;                              // share of answers
  double gradient_norm = 0;
  StepReport::Outcome outcome = StepReport::Outcome::Done;
  std::vector<ObjectiveValue::Answer> answer;  // of each example
};

// Makes a policy better by its own rollouts. All results are equal for any number of threads.
class Learner {
 public:
  // `arithmetic` outlives it.
  Learner(const model::Config& config, const ParameterTable& table, Arithmetic<float>& arithmetic);

  // One step of the optimiser. `reference`: the arena that the divergence is measured from; empty:
  // none is.
  UpdateReport update(const LearnerPlan& plan, std::span<const Example> examples,
                      std::span<float> weights, OptimiserState& state,
                      std::span<const float> reference);

  // Log-probabilities of each rollout's tokens under these weights.
  std::vector<std::vector<double>> scores(const LearnerPlan& plan,
                                          std::span<const Example> examples,
                                          std::span<const float> weights);

 private:
  // Temperature divides the logits: the last norm's weights do it.
  ParameterViews<const float> warmed(std::span<const float> weights, double temperature);
  std::vector<std::vector<double>> pass(const LearnerPlan& plan, std::span<const float> weights,
                                        const Batch& batch, std::span<const Example> examples);
  void add_gradients(const LearnerPlan& plan, std::span<const Example> examples,
                     std::span<const float> weights, std::span<const float> reference,
                     const Extent& all, UpdateReport& report);

  const model::Config config_;
  const ParameterTable& table_;
  TrainingNetwork<float> network_;
  Optimiser optimiser_;
  std::vector<float> gradients_, norm_;
};

}  // namespace training
