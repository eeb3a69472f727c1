#include "training/refinement.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace training {
namespace {

// One chain of the loop.
struct Chain {
  theorems::Statement statement;
  Attempt last;
  bool accepted = false;
  int64_t tokens = 0;
  int vote_halves = -1;
  std::vector<ChainRound> history;
};

void note_round(std::vector<Chain>& chains) {
  for (Chain& chain : chains) {
    const Attempt& last = chain.last;
    chain.history.push_back({.true_halves = last.readable ? last.proof.report.halves : 0,
                             .self_halves = last.readable ? prompts::halves(last.self_score) : -1,
                             .vote_halves = chain.vote_halves});
  }
}

class Loop {
 public:
  Loop(Player& player, const LoopPlan& loop, const EvaluationPlan& plan)
      : player_(player), loop_(loop), plan_(plan) {}

  LoopFigures run(const std::vector<theorems::Statement>& statements) {
    std::vector<Chain> chains(statements.size() * std::size_t(loop_.chains));
    for (std::size_t i = 0; i < chains.size(); ++i)
      chains[i].statement = statements[i % statements.size()];
    std::vector<Chain> fresh = chains;
    first_attempts(chains);
    for (int round = 1; round <= loop_.refinements; ++round) refine(chains, round);
    LoopFigures figures = summary(chains, statements.size());
    if (loop_.chains == 1) resample(fresh, chains, figures);
    return figures;
  }

 private:
  uint64_t seed(uint64_t stream, std::size_t index, int round) const {
    return theorems::seed_of(theorems::seed_of(plan_.seed, stream * 1000 + uint64_t(round)), index);
  }

  void first_attempts(std::vector<Chain>& chains) {
    std::vector<Question> questions;
    for (std::size_t i = 0; i < chains.size(); ++i)
      questions.push_back(
          generation_question(chains[i].statement, seed(1, i, 0), plan_.temperature));
    const std::vector<Answer> answers = player_.ask(questions, plan_.tokens_max);
    for (std::size_t i = 0; i < chains.size(); ++i) {
      chains[i].last = read_attempt(chains[i].statement, answers[i]);
      chains[i].tokens += answers[i].tokens;
    }
    judge(chains, 0);
    note_round(chains);
  }

  // Votes once on each proof that is still open.
  void judge(std::vector<Chain>& chains, int round) {
    std::vector<Judged> proofs;
    std::vector<Chain*> asked;
    for (Chain& chain : chains) {
      if (chain.accepted || !chain.last.readable) continue;
      proofs.push_back(chain.last.proof);
      asked.push_back(&chain);
    }
    const int64_t before = player_.tokens();
    evaluations_.clear();
    std::vector<Verified> votes = verify(player_, proofs, seed(2, 0, round), plan_);
    const double each =
        proofs.empty() ? 0 : double(player_.tokens() - before) / double(proofs.size());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      asked[i]->vote_halves = votes[i].readable ? prompts::halves(votes[i].verification.score) : -1;
      asked[i]->accepted = asked[i]->vote_halves == 2;
      asked[i]->tokens += int64_t(each);
      if (votes[i].readable && !asked[i]->accepted)
        evaluations_.push_back({asked[i], std::move(votes[i].text)});
    }
    if (loop_.feedback == Feedback::Exact)
      for (auto& [chain, text] : evaluations_) text = evaluation_of(chain->last.proof);
    if (loop_.feedback == Feedback::Shuffled && evaluations_.size() > 1)
      for (std::size_t i = 0; i + 1 < evaluations_.size(); ++i)
        std::swap(evaluations_[i].second, evaluations_[i + 1].second);
  }

  void refine(std::vector<Chain>& chains, int round) {
    std::vector<Question> questions;
    std::vector<Chain*> asked;
    std::vector<bool> refined(chains.size());
    for (auto& [chain, evaluation] : evaluations_) {
      questions.push_back({"refine",
                           {{"problem", chain->statement.text},
                            {"candidate.1.proof", chain->last.proof.proof},
                            {"candidate.1.analysis.1", evaluation}},
                           seed(3, questions.size(), round),
                           plan_.temperature});
      asked.push_back(chain);
      refined[std::size_t(chain - chains.data())] = true;
    }
    // What could not be read, or not be voted on, is tried afresh.
    for (std::size_t i = 0; i < chains.size(); ++i) {
      Chain& chain = chains[i];
      if (chain.accepted || refined[i]) continue;
      questions.push_back(
          generation_question(chain.statement, seed(4, i, round), plan_.temperature));
      asked.push_back(&chain);
    }
    const std::vector<Answer> answers = player_.ask(questions, plan_.tokens_max);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      Attempt attempt = read_attempt(asked[i]->statement, answers[i]);
      asked[i]->tokens += answers[i].tokens;
      if (attempt.readable) asked[i]->last = std::move(attempt);
    }
    judge(chains, round);
    note_round(chains);
  }

  LoopFigures summary(const std::vector<Chain>& chains, std::size_t statements) const {
    LoopFigures figures;
    figures.refined.resize(std::size_t(loop_.refinements) + 1);
    figures.accepted.resize(figures.refined.size());
    std::vector<std::vector<ChainRound>> histories;
    for (const Chain& chain : chains) {
      for (std::size_t r = 0; r < chain.history.size(); ++r) {
        figures.refined[r].add(chain.history[r].true_halves == 2);
        figures.accepted[r].add(chain.history[r].vote_halves == 2);
      }
      figures.refine_tokens += chain.tokens;
      histories.push_back(chain.history);
    }
    add_best(histories, statements, figures);
    return figures;
  }

  // Fresh attempts, each voted on once, until one is accepted or the chain's tokens are spent. The
  // last one counts.
  void resample(std::vector<Chain>& fresh, const std::vector<Chain>& chains, LoopFigures& figures) {
    constexpr int kRoundsMax = 64;
    for (int round = 0; round < kRoundsMax; ++round) {
      std::vector<Question> questions;
      std::vector<std::size_t> asked;
      for (std::size_t i = 0; i < fresh.size(); ++i) {
        if (fresh[i].accepted || (round > 0 && fresh[i].tokens >= chains[i].tokens)) continue;
        questions.push_back(
            generation_question(fresh[i].statement, seed(5, i, round), plan_.temperature));
        asked.push_back(i);
      }
      if (asked.empty()) break;
      const std::vector<Answer> answers = player_.ask(questions, plan_.tokens_max);
      std::vector<Chain> open;
      for (std::size_t k = 0; k < asked.size(); ++k) {
        Chain& chain = fresh[asked[k]];
        chain.last = read_attempt(chain.statement, answers[k]);
        chain.tokens += answers[k].tokens;
        open.push_back(chain);
      }
      judge(open, 1000 + round);
      for (std::size_t k = 0; k < asked.size(); ++k) fresh[asked[k]] = open[k];
    }
    for (const Chain& chain : fresh) {
      figures.resampled.add(chain.last.readable && chain.last.proof.report.halves == 2);
      figures.resampled_accepted.add(chain.accepted);
      figures.resample_tokens += chain.tokens;
    }
  }

  Player& player_;
  const LoopPlan& loop_;
  const EvaluationPlan& plan_;
  std::vector<std::pair<Chain*, std::string>> evaluations_;  // of the refused proofs of a round
};

// The best, by this order, of the chains of the statement whose first chain this is.
template <class Less>
const ChainRound& best_of(const std::vector<std::vector<ChainRound>>& chains, std::size_t first,
                          std::size_t statements, std::size_t round, const Less& less) {
  const ChainRound* best = &chains[first][round];
  for (std::size_t i = first + statements; i < chains.size(); i += statements)
    if (less(*best, chains[i][round])) best = &chains[i][round];
  return *best;
}

}  // namespace

void add_best(const std::vector<std::vector<ChainRound>>& chains, std::size_t statements,
              LoopFigures& figures) {
  if (chains.empty()) return;
  const std::size_t rounds = chains[0].size();
  figures.best_by_self.resize(rounds);
  figures.best_by_verifier.resize(rounds);
  const auto by_self = [](const ChainRound& a, const ChainRound& b) {
    return a.self_halves < b.self_halves;
  };
  const auto by_verifier = [](const ChainRound& a, const ChainRound& b) {
    return std::pair(a.vote_halves, a.self_halves) < std::pair(b.vote_halves, b.self_halves);
  };
  for (std::size_t round = 0; round < rounds; ++round)
    for (std::size_t s = 0; s < statements; ++s) {
      figures.best_by_self[round].add(best_of(chains, s, statements, round, by_self).true_halves ==
                                      2);
      figures.best_by_verifier[round].add(
          best_of(chains, s, statements, round, by_verifier).true_halves == 2);
    }
}

LoopFigures loop(Player& player, const std::vector<theorems::Statement>& statements,
                 const LoopPlan& loop, const EvaluationPlan& plan) {
  if (loop.chains < 1) throw std::invalid_argument("a loop needs at least one chain");
  return Loop(player, loop, plan).run(statements);
}

}  // namespace training
