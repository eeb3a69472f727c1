#include "training/rounds.h"

#include <algorithm>
#include <utility>

#include "prompts/verdict.h"

namespace training {
namespace {

using theorems::Random;
using theorems::seed_of;

// Streams of random numbers of one round.
enum Stream : uint64_t { kTasks, kChoices, kProofs, kEvaluations, kAnswers, kJudge };

std::shared_ptr<const model::Tokens> shared(model::Tokens tokens) {
  return std::make_shared<const model::Tokens>(std::move(tokens));
}

bool can_be_read(const std::string& evaluation) {
  return std::holds_alternative<prompts::Verification>(prompts::read_verification(evaluation));
}

Answered answered(const model::Tokenizer& tokenizer, const Task& task, const Rollout& rollout) {
  return {.task = &task,
          .text = text_of(tokenizer, rollout),
          .tokens = int64_t(rollout.answer.size()),
          .end = rollout.ended == engine::Ended::EndToken ? Answered::End::Finished
                                                          : Answered::End::CutOff};
}

}  // namespace

// One answer in `role` about what each task is about; "" where it was cut off.
std::vector<std::string> Rounds::answers(std::span<Task* const> tasks, Role role, uint64_t seed) {
  std::vector<Ask> asks;
  for (const Task* task : tasks) {
    Task asked = *task;
    asked.role = role;
    asks.push_back({.prompt = shared(source_.prompt(asked)), .seed = seed_of(seed, asks.size())});
  }
  std::vector<std::string> texts;
  for (const Rollout& rollout : policy_.sample(asks, stage_.sampling, stage_.tokens_max))
    texts.push_back(rollout.ended == engine::Ended::EndToken ? text_of(tokenizer_, rollout) : "");
  return texts;
}

void Rounds::write_own(std::vector<Task*> tasks, uint64_t seed) {
  Random random(seed_of(seed, kChoices));
  const auto proofs = answers(tasks, Role::Prove, seed_of(seed, kProofs));
  std::vector<Task*> written, evaluated;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto read = prompts::read_generation(proofs[i]);
    const auto* generation = std::get_if<prompts::Generation>(&read);
    if (!generation) continue;  // it stays what was invented
    Task& task = *tasks[i];
    const bool right = theorems::check(task.statement, generation->proof).halves == 2;
    if (task.role == Role::Refine && right && !random.chance(source_.plan().kept)) continue;
    task.proof = generation->proof;
    if (task.role != Role::Verify) evaluated.push_back(&task);
  }
  const auto evaluations = answers(evaluated, Role::Verify, seed_of(seed, kEvaluations));
  for (std::size_t i = 0; i < evaluated.size(); ++i) {
    Task& task = *evaluated[i];
    task.evaluation = can_be_read(evaluations[i])
                          ? evaluations[i]
                          : source_.invented_evaluation(task.statement, task.proof, random);
  }
}

std::vector<Task> Rounds::tasks(uint64_t seed) {
  Random random(seed_of(seed, kTasks));
  std::vector<Task> tasks;
  for (std::size_t role = 0; role < source_.plan().prompts.size(); ++role)
    for (int64_t i = 0; i < source_.plan().prompts[role]; ++i)
      tasks.push_back(source_.invented(Role(role), random));
  std::vector<Task*> own;
  for (Task& task : tasks)
    if (task.role != Role::Prove && random.chance(source_.plan().own)) own.push_back(&task);
  write_own(std::move(own), seed);
  return tasks;
}

void Rounds::reward(std::vector<RewardedGroup>& groups, uint64_t seed) {
  std::vector<Answered> all;
  for (const RewardedGroup& group : groups)
    for (const Rollout& rollout : group.rollouts)
      all.push_back(answered(tokenizer_, group.task, rollout));
  RuleJudge rule;
  ModelJudge verifier({.evaluations = stage_.evaluations,
                       .judgements = stage_.judgements,
                       .sampling = stage_.sampling,
                       .tokens_max = stage_.tokens_max,
                       .seed = seed_of(seed, kJudge)},
                      frozen_, source_, tokenizer_);
  const bool by_rule = stage_.judged_by == ReinforceStage::JudgedBy::Rule;
  const auto exact = rewards_of(stage_.reward, rule, all);
  const auto given = by_rule ? exact : rewards_of(stage_.reward, verifier, all);

  std::size_t next = 0;
  for (RewardedGroup& group : groups) {
    std::vector<Rollout> rewarded;
    for (Rollout& rollout : group.rollouts) {
      const std::size_t i = next++;
      if (!given[i]) continue;  // nobody knows what it is worth
      group.rewards.push_back(*given[i]);
      group.true_scores.push_back(exact[i]->score);
      group.totals.push_back(given[i]->total - overlong_penalty(stage_.learner.objective,
                                                                all[i].tokens, stage_.tokens_max));
      rewarded.push_back(std::move(rollout));
    }
    group.rollouts = std::move(rewarded);
  }
}

std::vector<RewardedGroup> Rounds::draw(uint64_t seed) {
  std::vector<RewardedGroup> groups;
  std::vector<Ask> asks;
  for (Task& task : tasks(seed)) {
    asks.push_back({.prompt = shared(source_.prompt(task)),
                    .seed = seed_of(seed_of(seed, kAnswers), asks.size()),
                    .samples = uint64_t(stage_.group)});
    groups.push_back(
        {.task = std::move(task), .rollouts = {}, .rewards = {}, .true_scores = {}, .totals = {}});
  }
  auto rollouts = policy_.sample(asks, stage_.sampling, stage_.tokens_max);
  auto next = std::make_move_iterator(rollouts.begin());
  for (RewardedGroup& group : groups) {
    group.rollouts.assign(next, next + stage_.group);
    next += stage_.group;
  }
  reward(groups, seed);
  std::erase_if(groups, [](const RewardedGroup& group) { return group.rollouts.empty(); });
  return groups;
}

}  // namespace training
