#include "training/rewards.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

#include "prompts/verdict.h"

namespace training {
namespace {

double value_of(prompts::Score score) { return prompts::halves(score) / 2.0; }

// What an answer says, and whom to ask about it.
struct Reading {
  bool formed = false;
  double claimed = 0;
  std::size_t proof = 0;       // which ProofQuestion
  std::size_t evaluation = 0;  // which EvaluationQuestion
};

// Questions without repetition: the answers of a group ask for the same proof's score.
class Questions {
 public:
  std::size_t proof(const theorems::Statement& statement, const std::string& proof) {
    const auto [at, added] = proof_.try_emplace({statement.text, proof}, proofs_.size());
    if (added) proofs_.push_back({statement, proof});
    return at->second;
  }
  std::size_t evaluation(const theorems::Statement& statement, const std::string& proof,
                         const std::string& evaluation) {
    const auto [at, added] =
        evaluation_.try_emplace({statement.text, proof, evaluation}, evaluations_.size());
    if (added) evaluations_.push_back({statement, proof, evaluation});
    return at->second;
  }
  const std::vector<ProofQuestion>& proofs() const { return proofs_; }
  const std::vector<EvaluationQuestion>& evaluations() const { return evaluations_; }

 private:
  std::map<std::vector<std::string>, std::size_t> proof_, evaluation_;
  std::vector<ProofQuestion> proofs_;
  std::vector<EvaluationQuestion> evaluations_;
};

Reading read_proof_answer(const Answered& answer, Questions& questions) {
  const auto read = prompts::read_generation(answer.text);
  const auto* generation = std::get_if<prompts::Generation>(&read);
  if (!generation) return {};
  if (std::holds_alternative<theorems::Unreadable>(theorems::read_proof(generation->proof)))
    return {};
  const theorems::Statement& statement = answer.task->statement;
  return {.formed = true,
          .claimed = value_of(generation->self_score),
          .proof = questions.proof(statement, generation->proof),
          .evaluation =
              questions.evaluation(statement, generation->proof, generation->self_evaluation)};
}

Reading read_evaluation(const Answered& answer, Questions& questions) {
  const auto read = prompts::read_verification(answer.text);
  const auto* verification = std::get_if<prompts::Verification>(&read);
  if (!verification) return {};
  const Task& task = *answer.task;
  return {.formed = true,
          .claimed = value_of(verification->score),
          .proof = questions.proof(task.statement, task.proof),
          .evaluation = questions.evaluation(task.statement, task.proof, answer.text)};
}

Reading read_judgement(const Answered& answer, Questions& questions) {
  const Task& task = *answer.task;
  const auto judged = prompts::read_verification(task.evaluation);
  const auto* verification = std::get_if<prompts::Verification>(&judged);
  if (!verification) throw std::invalid_argument("an evaluation to be judged cannot be read");
  const auto read = prompts::read_meta_verification(answer.text, verification->issues.size());
  const auto* judgement = std::get_if<prompts::MetaVerification>(&read);
  if (!judgement) return {};
  return {.formed = true,
          .claimed = value_of(judgement->score),
          .proof = questions.proof(task.statement, task.proof),
          .evaluation = questions.evaluation(task.statement, task.proof, task.evaluation)};
}

Reading read(const Answered& answer, Questions& questions) {
  if (answer.end == Answered::End::CutOff) return {};
  switch (answer.task->role) {
    case Role::Verify:
      return read_evaluation(answer, questions);
    case Role::Judge:
      return read_judgement(answer, questions);
    case Role::Prove:
    case Role::Refine:
      break;
  }
  return read_proof_answer(answer, questions);
}

double content_of(const RewardPlan& plan, Role role, const Reward& reward) {
  const double right = 1 - std::abs(reward.claimed - reward.score);
  switch (role) {
    case Role::Verify:
      return right * reward.sound;
    case Role::Judge:
      return 1 - std::abs(reward.claimed - reward.sound);
    case Role::Prove:
    case Role::Refine:
      break;
  }
  return plan.proof * reward.score + plan.honesty * right * reward.sound;
}

}  // namespace

std::vector<std::optional<double>> RuleJudge::scores(std::span<const ProofQuestion> proofs) {
  std::vector<std::optional<double>> scores;
  for (const ProofQuestion& question : proofs)
    scores.push_back(theorems::check(question.statement, question.proof).halves / 2.0);
  return scores;
}

std::vector<std::optional<double>> RuleJudge::soundness(
    std::span<const EvaluationQuestion> evaluations) {
  std::vector<std::optional<double>> soundness;
  for (const EvaluationQuestion& question : evaluations) {
    const auto read = prompts::read_verification(question.evaluation);
    const auto& verification = std::get<prompts::Verification>(read);
    const std::string judgement =
        judgement_of(judged(question.statement, question.proof), verification);
    const auto verdict = prompts::read_meta_verification(judgement, verification.issues.size());
    soundness.push_back(value_of(std::get<prompts::MetaVerification>(verdict).score));
  }
  return soundness;
}

std::vector<std::optional<Reward>> rewards_of(const RewardPlan& plan, RewardJudge& judge,
                                              std::span<const Answered> answers) {
  Questions questions;
  std::vector<Reading> readings;
  for (const Answered& answer : answers) readings.push_back(read(answer, questions));
  const auto scores = judge.scores(questions.proofs());
  const auto soundness = judge.soundness(questions.evaluations());

  std::vector<std::optional<Reward>> rewards;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Answered& answer = answers[i];
    const Reading& reading = readings[i];
    Reward reward;
    if (reading.formed) {
      const auto& score = scores[reading.proof];
      const auto& sound = soundness[reading.evaluation];
      if (!sound || (!score && answer.task->role != Role::Judge)) {
        rewards.push_back(std::nullopt);
        continue;
      }
      reward = {
          .format = 1, .score = score.value_or(0), .claimed = reading.claimed, .sound = *sound};
      reward.total = plan.form + content_of(plan, answer.task->role, reward);
    }
    reward.total -= plan.length * double(answer.tokens) / double(plan.length_tokens);
    rewards.push_back(reward);
  }
  return rewards;
}

}  // namespace training
