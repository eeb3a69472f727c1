#pragma once

#include <memory>
#include <vector>

#include "training/model_judge.h"
#include "training/reinforce.h"

namespace training {

// A task, the answers to it that could be rewarded, and what they are worth.
struct RewardedGroup {
  Task task;
  std::vector<Rollout> rollouts;
  std::vector<Reward> rewards;      // of each, by the stage's judge
  std::vector<double> true_scores;  // of each: the exact score of the proof written or in question
  std::vector<double> totals;       // of each: reward and what shapes it
};

// Draws the prompts of one round, among them those about the policy's own work, and rolls out and
// rewards their groups. A function of (seed, weights) alone.
class Rounds {
 public:
  // All outlive it.
  Rounds(const ReinforceStage& stage, const TaskSource& source, Sampler& policy, Sampler& frozen,
         const model::Tokenizer& tokenizer)
      : stage_(stage), source_(source), policy_(policy), frozen_(frozen), tokenizer_(tokenizer) {}

  std::vector<RewardedGroup> draw(uint64_t seed);

 private:
  std::vector<Task> tasks(uint64_t seed);
  // Turns tasks into those about what the policy wrote itself, as far as it can be read.
  void write_own(std::vector<Task*> tasks, uint64_t seed);
  std::vector<std::string> answers(std::span<Task* const> tasks, Role role, uint64_t seed);
  void reward(std::vector<RewardedGroup>& groups, uint64_t seed);

  const ReinforceStage& stage_;
  const TaskSource& source_;
  Sampler& policy_;
  Sampler& frozen_;
  const model::Tokenizer& tokenizer_;
};

}  // namespace training
