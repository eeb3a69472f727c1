#include "training/model_judge.h"

#include <utility>

#include "prompts/verdict.h"

namespace training {

std::string text_of(const model::Tokenizer& tokenizer, const Rollout& rollout) {
  return model::read_answer(tokenizer, rollout.answer, model::Thinking::Off).content;
}

ModelJudge::ModelJudge(ModelJudgePlan plan, Sampler& sampler, const TaskSource& source,
                       const model::Tokenizer& tokenizer)
    : plan_(plan), sampler_(sampler), source_(source), tokenizer_(tokenizer) {}

std::optional<double> ModelJudge::read(const Task& task, const Rollout& rollout) const {
  if (rollout.ended != engine::Ended::EndToken) return std::nullopt;
  const std::string text = text_of(tokenizer_, rollout);
  if (task.role == Role::Verify) {
    const auto read = prompts::read_verification(text);
    const auto* said = std::get_if<prompts::Verification>(&read);
    return said ? std::optional(prompts::halves(said->score) / 2.0) : std::nullopt;
  }
  const auto judged = std::get<prompts::Verification>(prompts::read_verification(task.evaluation));
  const auto read = prompts::read_meta_verification(text, judged.issues.size());
  const auto* said = std::get_if<prompts::MetaVerification>(&read);
  return said ? std::optional(prompts::halves(said->score) / 2.0) : std::nullopt;
}

std::vector<std::optional<double>> ModelJudge::means(std::span<const Task> tasks,
                                                     uint64_t samples) {
  std::vector<Ask> asks;
  for (const Task& task : tasks)
    asks.push_back({.prompt = std::make_shared<const model::Tokens>(source_.prompt(task)),
                    .seed = theorems::seed_of(plan_.seed, asked_++),
                    .samples = samples});
  const auto rollouts = sampler_.sample(asks, plan_.sampling, plan_.tokens_max);
  std::vector<std::optional<double>> means;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    double sum = 0;
    int count = 0;
    for (uint64_t s = 0; s < samples; ++s) {
      if (const auto score = read(tasks[i], rollouts[i * samples + s])) {
        sum += *score;
        ++count;
      }
    }
    means.push_back(count > 0 ? std::optional(sum / count) : std::nullopt);
  }
  return means;
}

std::vector<std::optional<double>> ModelJudge::scores(std::span<const ProofQuestion> proofs) {
  std::vector<Task> tasks;
  for (const ProofQuestion& question : proofs)
    tasks.push_back(
        {.role = Role::Verify, .statement = question.statement, .proof = question.proof});
  return means(tasks, plan_.evaluations);
}

std::vector<std::optional<double>> ModelJudge::soundness(
    std::span<const EvaluationQuestion> evaluations) {
  std::vector<Task> tasks;
  for (const EvaluationQuestion& question : evaluations)
    tasks.push_back({.role = Role::Judge,
                     .statement = question.statement,
                     .proof = question.proof,
                     .evaluation = question.evaluation});
  return means(tasks, plan_.judgements);
}

}  // namespace training
