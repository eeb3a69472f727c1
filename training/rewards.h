#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "theorems/theorem.h"
#include "training/lessons.h"

namespace training {

// What a prompt is about: all that its answer is rewarded by.
struct Task {
  Role role = Role::Prove;
  theorems::Statement statement = {};
  std::string proof = {};       // Verify, Judge: the one in question. Refine: the last attempt
  std::string evaluation = {};  // Judge: the one in question. Refine: of the last attempt
};

// A model's answer to a task.
struct Answered {
  const Task* task = nullptr;
  std::string text;
  int64_t tokens = 0;
  enum class End { Finished, CutOff } end = End::Finished;
};

struct ProofQuestion {
  theorems::Statement statement = {};
  std::string proof;
};
struct EvaluationQuestion {
  theorems::Statement statement = {};
  std::string proof;
  std::string evaluation;  // prompts::read_verification accepts it
};

// Who says what texts are worth: the exact checker, the model's own verifier (model_judge.h), or
// any other scale, such as a rubric. Nothing: no score could be had, and none is made up.
class RewardJudge {
 public:
  virtual ~RewardJudge() = default;
  virtual std::vector<std::optional<double>> scores(std::span<const ProofQuestion> proofs) = 0;
  virtual std::vector<std::optional<double>> soundness(
      std::span<const EvaluationQuestion> evaluations) = 0;
};

// theorems::check for proofs, the verdict of judgement_of for evaluations.
class RuleJudge : public RewardJudge {
 public:
  std::vector<std::optional<double>> scores(std::span<const ProofQuestion> proofs) override;
  std::vector<std::optional<double>> soundness(
      std::span<const EvaluationQuestion> evaluations) override;
};

// DeepSeekMath-V2, section 2. With s the proof's score, s' the score that an evaluation gives, m
// the soundness of an evaluation and m' the one that a judgement gives:
//
//   Verify         format * (1 - |s' - s|) * m
//   Judge          format * (1 - |m' - m|)
//   Prove, Refine  format * (proof * s + honesty * (1 - |s' - s|) * m of the self-evaluation)
//
// format is 1 if the answer was finished and reads as its template asks, else 0; a proof that is
// none of the domain's counts as badly formed.
struct RewardPlan {
  double proof = 0.76, honesty = 0.24;
  double form = 0;               // added where format is 1
  double length = 0;             // taken off an answer of tokens_max tokens, of shorter ones less
  int64_t length_tokens = 1024;  // tokens_max of the above
};

struct Reward {
  double total = 0;
  double format = 0;
  double score = 0;    // s of the proof that was written or is in question
  double claimed = 0;  // s' or m'
  double sound = 0;    // m
};

// One for each answer. Nothing: its judge could not say, and it is to be left out. Badly formed
// answers need no judge.
std::vector<std::optional<Reward>> rewards_of(const RewardPlan& plan, RewardJudge& judge,
                                              std::span<const Answered> answers);

}  // namespace training
