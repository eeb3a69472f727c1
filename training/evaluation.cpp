#include "training/evaluation.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace training {
namespace {

using prompts::Score;

constexpr double kNormal95 = 1.959963984540054;

struct Interval {
  double middle = 0, half = 0;
};
Interval wilson(const Share& share) {  // Wilson 1927
  const double n = double(share.of), p = share.value(), z = kNormal95;
  const double scale = 1 / (1 + z * z / n);
  return {scale * (p + z * z / (2 * n)),
          scale * z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n))};
}

}  // namespace

double Share::low() const {
  const Interval interval = wilson(*this);
  return of > 0 ? std::max(0.0, interval.middle - interval.half) : 0;  // not -1e-17
}
double Share::high() const {
  const Interval interval = wilson(*this);
  return of > 0 ? std::min(1.0, interval.middle + interval.half) : 1;
}

std::vector<theorems::Statement> draw_statements(theorems::Family family, int level,
                                                 const EvaluationPlan& plan) {
  theorems::Random random(theorems::seed_of(plan.seed, uint64_t(family) * 16 + uint64_t(level)));
  std::vector<theorems::Statement> statements;
  for (int64_t i = 0; i < plan.statements; ++i)
    statements.push_back(theorems::sample(family, level, plan.split, random));
  return statements;
}

Attempt read_attempt(const theorems::Statement& statement, const Answer& answer) {
  Attempt attempt;
  attempt.tokens = answer.tokens;
  attempt.proof.statement = statement;
  if (!answer.ended) return attempt;
  auto read = prompts::read_generation(answer.text);
  auto* generation = std::get_if<prompts::Generation>(&read);
  if (generation == nullptr) return attempt;
  attempt.readable = true;
  attempt.self_score = generation->self_score;
  attempt.proof = judged(statement, std::move(generation->proof));
  return attempt;
}

Question generation_question(const theorems::Statement& statement, uint64_t seed,
                             double temperature) {
  return {"generate", {{"problem", statement.text}}, seed, temperature};
}

std::vector<Attempt> attempt(Player& player, const std::vector<theorems::Statement>& statements,
                             const EvaluationPlan& plan) {
  std::vector<Question> questions;
  for (std::size_t i = 0; i < statements.size(); ++i)
    questions.push_back(
        generation_question(statements[i], theorems::seed_of(plan.seed, i), plan.temperature));
  const std::vector<Answer> answers = player.ask(questions, plan.tokens_max);
  std::vector<Attempt> attempts;
  for (std::size_t i = 0; i < statements.size(); ++i)
    attempts.push_back(read_attempt(statements[i], answers[i]));
  return attempts;
}

ProofFigures figures_of(const std::vector<Attempt>& attempts) {
  ProofFigures figures;
  for (const Attempt& attempt : attempts) {
    const int halves = attempt.readable ? attempt.proof.report.halves : 0;
    figures.readable.add(attempt.readable);
    figures.solved.add(halves == 2);
    figures.claimed.add(attempt.readable && attempt.self_score == Score::One);
    if (attempt.readable) figures.honest.add(prompts::halves(attempt.self_score) == halves);
  }
  return figures;
}

std::vector<Verified> verify(Player& player, const std::vector<Judged>& proofs, uint64_t seed,
                             const EvaluationPlan& plan) {
  std::vector<Question> questions;
  for (std::size_t i = 0; i < proofs.size(); ++i)
    questions.push_back({"verify",
                         {{"problem", proofs[i].statement.text}, {"proof", proofs[i].proof}},
                         theorems::seed_of(seed, i),
                         plan.temperature});
  std::vector<Verified> votes;
  for (Answer& answer : player.ask(questions, plan.tokens_max)) {
    Verified vote;
    if (answer.ended) {
      auto read = prompts::read_verification(answer.text);
      if (auto* verification = std::get_if<prompts::Verification>(&read)) {
        vote.readable = true;
        vote.verification = std::move(*verification);
      }
    }
    vote.text = std::move(answer.text);
    votes.push_back(std::move(vote));
  }
  return votes;
}

VerifierFigures figures_of(const std::vector<Judged>& proofs, const std::vector<Verified>& votes) {
  VerifierFigures figures;
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    figures.readable.add(votes[i].readable);
    if (!votes[i].readable) continue;
    const theorems::Report& report = proofs[i].report;
    const int given = prompts::halves(votes[i].verification.score);
    ++figures.confusion[std::size_t(report.halves)][std::size_t(given)];
    (report.halves == 2 ? figures.right_refused : figures.wrong_accepted)
        .add((given == 2) != (report.halves == 2));
    if (!report.first_flaw || votes[i].verification.issues.empty()) continue;
    const std::string begin = std::to_string(*report.first_flaw) + ".";
    figures.first_flaw.add(votes[i].verification.issues[0].quote.starts_with(begin));
  }
  return figures;
}

double VerifierFigures::macro() const {
  double sum = 0;
  int classes = 0;
  for (std::size_t truth = 0; truth < 3; ++truth) {
    const int64_t all = confusion[truth][0] + confusion[truth][1] + confusion[truth][2];
    if (all == 0) continue;
    sum += double(confusion[truth][truth]) / double(all);
    ++classes;
  }
  return classes > 0 ? sum / classes : 0;
}

}  // namespace training
