#pragma once

#include <array>

#include "training/rewards.h"

namespace training {

// What a policy is asked in a step of reinforcement learning.
struct TaskPlan {
  std::vector<LessonPlan::FamilyShare> families = {};  // `last` holds the levels' shares
  std::array<int64_t, 4> prompts = {32, 16, 8, 8};     // of each role, a step
  // Of verified, judged and refined texts: the policy's own, written in the same step.
  double own = 0.5;
  double sound = 0.4;  // of the other proofs: without a flaw
  // Of own attempts that earn 1: to be refined all the same, that is, kept.
  double kept = 0.2;
};

// Tasks of the training split, drawn by the caller's random numbers. They are about texts that the
// checker knows how to make; those about the policy's own are the loop's to fill in.
class TaskSource {
 public:
  // `writer` outlives it. Throws std::invalid_argument if no family is named.
  TaskSource(TaskPlan plan, const DocumentWriter& writer);

  const TaskPlan& plan() const { return plan_; }
  theorems::Statement statement(theorems::Random& random) const;
  Task invented(Role role, theorems::Random& random) const;
  // Of any proof: right or erring. prompts::read_verification accepts it.
  std::string invented_evaluation(const theorems::Statement& statement, const std::string& proof,
                                  theorems::Random& random) const;
  model::Tokens prompt(const Task& task) const;

 private:
  std::string invented_proof(const theorems::Statement& statement, bool sound,
                             theorems::Random& random) const;

  TaskPlan plan_;
  const DocumentWriter& writer_;
};

}  // namespace training
