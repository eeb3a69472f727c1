#include "pipeline/refinement.h"

#include <fmt/format.h>
#include <algorithm>

#include "pipeline/ranking.h"
#include "pipeline/reading.h"

namespace pipeline {
namespace {

// Parsed votes that were not struck, the worst first.
std::vector<const Vote*> usable_votes(const Judgement& judgement, const Effort& effort,
                                      uint64_t lot) {
  std::vector<const Vote*> usable;
  std::vector<int64_t> halves;
  for (const Vote& vote : judgement.votes) {
    if (vote.outcome != VoteOutcome::Parsed ||
        standing_of(vote, effort.votes.meta) == Standing::Struck)
      continue;
    usable.push_back(&vote);
    halves.push_back(prompts::halves(vote.score));
  }
  std::vector<const Vote*> ordered;
  ordered.reserve(usable.size());
  for (const std::size_t i : worst_first(halves, lot)) ordered.push_back(usable[i]);
  return ordered;
}

}  // namespace

std::vector<std::string> chosen_analyses(const Loop& loop, const Judgement& judgement,
                                         const std::string& self_evaluation, int64_t number,
                                         uint64_t lot) {
  std::vector<const Vote*> votes = usable_votes(judgement, loop.effort, lot);
  const auto wanted = static_cast<std::size_t>(loop.effort.analyses);
  if (wanted > 1) {
    const auto positive = std::find_if(votes.begin(), votes.end(), [](const Vote* vote) {
      return vote->score == prompts::Score::One;
    });
    if (positive != votes.begin()) votes.erase(positive, votes.end());
  }
  std::vector<std::string> analyses;
  for (std::size_t i = 0; i < std::min(wanted, votes.size()); ++i) {
    const Vote& vote = *votes[(std::size_t(number) * wanted + i) % votes.size()];
    const std::string answer = loop.book.answer_text(vote.call_key);
    const auto parsed = prompts::read_verification(answer);
    if (const auto* verification = std::get_if<prompts::Verification>(&parsed))
      analyses.push_back(analysis_for_refinement(answer, verification->issues, real_issues(vote),
                                                 verification->score));
  }
  if (analyses.empty() && !self_evaluation.empty()) analyses.push_back(self_evaluation);
  return analyses;
}

std::shared_ptr<const Prompt> refinement_prompt(const Loop& loop, const Problem& problem,
                                                std::vector<RefinedProof> proofs) {
  std::vector<prompts::Part> parts;
  parts.push_back({"problem", problem.statement});
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    parts.push_back({fmt::format("candidate.{}.proof", i + 1), std::move(proofs[i].proof)});
    for (std::size_t j = 0; j < proofs[i].analyses.size(); ++j)
      parts.push_back({fmt::format("candidate.{}.analysis.{}", i + 1, j + 1),
                       std::move(proofs[i].analyses[j])});
  }
  return make_prompt(loop.templates.at("refine"), std::move(parts), loop.secret);
}

}  // namespace pipeline
