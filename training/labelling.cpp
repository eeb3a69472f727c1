#include "training/labelling.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <variant>

namespace training {
namespace {

using prompts::MetaVerification;
using prompts::Score;

void require_valid(const LabelPlan& plan) {
  if (plan.analyses < 1 || plan.judgements < 1 || plan.upheld_min < 1 ||
      plan.upheld_min > plan.analyses)
    throw std::invalid_argument(
        "labels need at least one analysis and judgement, and no more upheld ones than analyses");
}

bool is_judged(const Verified& analysis) {
  return analysis.readable && analysis.verification.score != Score::One;
}

std::optional<MetaVerification> read_judgement(const Answer& answer, std::size_t issues) {
  if (!answer.ended) return std::nullopt;
  auto read = prompts::read_meta_verification(answer.text, issues);
  auto* judgement = std::get_if<MetaVerification>(&read);
  if (judgement == nullptr) return std::nullopt;
  return std::move(*judgement);
}

bool upheld_often(const LabelPlan& plan, std::span<const AnalysisVote> votes, Score score) {
  return std::ranges::count_if(votes, [&](const AnalysisVote& vote) {
           return vote.upheld && vote.score == score;
         }) >= plan.upheld_min;
}

}  // namespace

AnalysisVote vote_of(Score score, std::span<const std::optional<MetaVerification>> judgements) {
  std::size_t issue = 0, upheld = 0;
  for (const auto& judgement : judgements) {
    if (!judgement || std::ranges::find(judgement->real, true) == judgement->real.end()) continue;
    ++issue;
    if (judgement->consistent) ++upheld;
  }
  return {.score = score,
          .issue = 2 * issue > judgements.size(),
          .upheld = 2 * upheld > judgements.size()};
}

std::optional<Score> label_of(const LabelPlan& plan, std::span<const AnalysisVote> votes) {
  if (votes.size() < std::size_t(plan.upheld_min)) return std::nullopt;
  for (const Score score : {Score::Zero, Score::Half}) {
    if (upheld_often(plan, votes, score)) return score;
    if (plan.lowest == LabelPlan::Lowest::Given &&
        std::ranges::find(votes, score, &AnalysisVote::score) != votes.end())
      break;
  }
  if (std::ranges::any_of(votes, [](const AnalysisVote& vote) { return vote.issue; }))
    return std::nullopt;
  return Score::One;
}

std::vector<Question> judgement_questions(const std::vector<Judged>& proofs,
                                          const std::vector<Verified>& analyses,
                                          const LabelPlan& plan, uint64_t seed,
                                          double temperature) {
  require_valid(plan);
  if (analyses.size() != proofs.size() * std::size_t(plan.analyses))
    throw std::invalid_argument("not as many analyses as proofs need");
  std::vector<Question> questions;
  for (std::size_t i = 0; i < analyses.size(); ++i) {
    if (!is_judged(analyses[i])) continue;
    const Judged& proof = proofs[i / std::size_t(plan.analyses)];
    for (int j = 0; j < plan.judgements; ++j)
      questions.push_back({"meta_verify",
                           {{"problem", proof.statement.text},
                            {"proof", proof.proof},
                            {"evaluation", analyses[i].text}},
                           theorems::seed_of(seed, questions.size()),
                           temperature});
  }
  return questions;
}

std::vector<Labelled> read_labels(const std::vector<Verified>& analyses,
                                  const std::vector<Answer>& answers, const LabelPlan& plan) {
  require_valid(plan);
  const auto judged = std::size_t(std::ranges::count_if(analyses, is_judged));
  if (analyses.size() % std::size_t(plan.analyses) != 0 ||
      answers.size() != judged * std::size_t(plan.judgements))
    throw std::invalid_argument("not as many analyses or judgements as the plan asks for");
  std::vector<Labelled> labelled(analyses.size() / std::size_t(plan.analyses));
  std::size_t next = 0;
  for (std::size_t i = 0; i < analyses.size(); ++i) {
    const Verified& analysis = analyses[i];
    if (!analysis.readable) continue;
    std::vector<std::optional<MetaVerification>> judgements;
    if (is_judged(analysis))
      for (int j = 0; j < plan.judgements; ++j)
        judgements.push_back(read_judgement(answers[next++], analysis.verification.issues.size()));
    labelled[i / std::size_t(plan.analyses)].votes.push_back(
        vote_of(analysis.verification.score, judgements));
  }
  for (Labelled& proof : labelled) proof.label = label_of(plan, proof.votes);
  return labelled;
}

std::vector<Labelled> label(Player& player, const std::vector<Judged>& proofs,
                            const LabelPlan& plan, const EvaluationPlan& evaluation) {
  require_valid(plan);
  std::vector<Judged> repeated;
  for (const Judged& proof : proofs)
    repeated.insert(repeated.end(), std::size_t(plan.analyses), proof);
  const auto analyses = verify(player, repeated, theorems::seed_of(evaluation.seed, 0), evaluation);
  const auto questions = judgement_questions(
      proofs, analyses, plan, theorems::seed_of(evaluation.seed, 1), evaluation.temperature);
  return read_labels(analyses, player.ask(questions, evaluation.tokens_max), plan);
}

LabelFigures figures_of(const std::vector<Judged>& proofs, const std::vector<Labelled>& labelled) {
  if (proofs.size() != labelled.size()) throw std::invalid_argument("not as many labels as proofs");
  LabelFigures figures;
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    const auto truth = std::size_t(proofs[i].report.halves);
    const std::optional<Score>& label = labelled[i].label;
    figures.covered.add(label.has_value());
    if (!label) {
      ++figures.undecided[truth];
      continue;
    }
    const auto given = std::size_t(prompts::halves(*label));
    figures.agreed.add(given == truth);
    ++figures.confusion[truth][given];
  }
  return figures;
}

}  // namespace training
