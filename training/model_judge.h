#pragma once

#include "model/chat_format.h"
#include "training/rollout.h"
#include "training/tasks.h"

namespace training {

struct ModelJudgePlan {
  uint64_t evaluations = 4;  // of each proof
  uint64_t judgements = 4;   // of each evaluation
  engine::Sampling sampling = {};
  int32_t tokens_max = 768;
  uint64_t seed = 1;
};

// A model's own verifier and meta-verifier: the mean of the scores that it gives. Answers that
// cannot be read count for nothing; if none can, there is no score.
class ModelJudge : public RewardJudge {
 public:
  // `sampler`, `source` and `tokenizer` outlive it.
  ModelJudge(ModelJudgePlan plan, Sampler& sampler, const TaskSource& source,
             const model::Tokenizer& tokenizer);

  std::vector<std::optional<double>> scores(std::span<const ProofQuestion> proofs) override;
  std::vector<std::optional<double>> soundness(
      std::span<const EvaluationQuestion> evaluations) override;

 private:
  // Means over `samples` answers to each task.
  std::vector<std::optional<double>> means(std::span<const Task> tasks, uint64_t samples);
  std::optional<double> read(const Task& task, const Rollout& rollout) const;

  ModelJudgePlan plan_;
  Sampler& sampler_;
  const TaskSource& source_;
  const model::Tokenizer& tokenizer_;
  uint64_t asked_ = 0;  // tasks so far: each has a seed of its own
};

// What a rollout says, as the pipeline reads it.
std::string text_of(const model::Tokenizer& tokenizer, const Rollout& rollout);

}  // namespace training
