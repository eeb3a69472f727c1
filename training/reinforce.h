#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "training/learner.h"
#include "training/supervised.h"
#include "training/tasks.h"

namespace training {

// One stage of reinforcement learning. A step draws prompts, rolls out a group of answers to each,
// rewards them, and takes one step of the optimiser for each part of the groups.
struct ReinforceStage {
  std::string name = "rl";
  int64_t steps = 0;
  TaskPlan tasks = {};
  int64_t group = 8;  // answers to a prompt
  engine::Sampling sampling = {.temperature = 1, .top_p = 0.95};
  int32_t tokens_max = 768;  // of an answer
  enum class JudgedBy {
    Rule,      // the exact checker
    Verifier,  // the model as it was at the stage's begin; the checker only measures
  } judged_by = JudgedBy::Rule;
  uint64_t evaluations = 4, judgements = 4;  // of the verifier
  RewardPlan reward = {};
  int64_t minibatches = 2;  // steps of the optimiser on one step's groups
  LearnerPlan learner = {};
  double warm_up = 0.05, decay_after = 1, last = 1;  // shares of the stage, as Stage's
};

struct ReinforcePlan {
  std::filesystem::path from;       // the model to begin with, its tokenizer and prompts
  std::filesystem::path directory;  // of states, metrics and the exported model
  std::vector<ReinforceStage> stages;
  uint64_t seed = 1;
  int threads = 1;
  Precision precision = Precision::Bfloat16;
  int64_t save_every_seconds = 300;
  SamplerOptions sampler = {};
};

// What a step measured.
struct ReinforceStep {
  std::string stage;
  int64_t step = 0, steps_end = 0, tokens = 0;
  std::array<double, 4> reward = {};  // mean total of each role's answers
  std::array<double, 4> score = {};   // mean of the exact score: of proofs written or in question
  std::array<double, 4> format = {};  // share of answers that are well formed
  std::array<int64_t, 4> answers = {};
  double accepts_wrong = 0, rejects_right = 0;  // of the verifier's readable answers
  double groups_used = 0;                       // share of groups that were trained on
  double answer_tokens = 0;                     // mean
  UpdateReport update;                          // means over the minibatches
  double seconds = 0;
};

// Trains as train_supervised does; the reference model is the one at the stage's begin. Throws
// model::Refused if the model to begin with cannot be trained.
Ended train_by_reward(const ReinforcePlan& plan, const std::function<bool()>& stop,
                      const std::function<void(const ReinforceStep&)>& report);

}  // namespace training
