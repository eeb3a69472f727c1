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

Question generate(const theorems::Statement& statement, uint64_t seed, double temperature) {
  return {"generate", {{"problem", statement.text}}, seed, temperature};
}

// One chain of the loop.
struct Chain {
  theorems::Statement statement;
  Attempt last;
  bool accepted = false;
  int64_t tokens = 0;
  std::vector<std::pair<bool, bool>> history;  // solved, accepted; after each round
};

void note_round(std::vector<Chain>& chains) {
  for (Chain& chain : chains)
    chain.history.emplace_back(chain.last.readable && chain.last.proof.report.halves == 2,
                               chain.accepted);
}

class Loop {
 public:
  Loop(Player& player, Feedback feedback, const EvaluationPlan& plan)
      : player_(player), feedback_(feedback), plan_(plan) {}

  LoopFigures run(const std::vector<theorems::Statement>& statements) {
    std::vector<Chain> chains(statements.size());
    for (std::size_t i = 0; i < chains.size(); ++i) chains[i].statement = statements[i];
    std::vector<Chain> fresh = chains;
    first_attempts(chains);
    for (int round = 1; round <= plan_.refinements; ++round) refine(chains, round);
    LoopFigures figures = summary(chains);
    resample(fresh, chains, figures);
    return figures;
  }

 private:
  uint64_t seed(uint64_t stream, std::size_t index, int round) const {
    return theorems::seed_of(theorems::seed_of(plan_.seed, stream * 1000 + uint64_t(round)), index);
  }

  void first_attempts(std::vector<Chain>& chains) {
    std::vector<Question> questions;
    for (std::size_t i = 0; i < chains.size(); ++i)
      questions.push_back(generate(chains[i].statement, seed(1, i, 0), plan_.temperature));
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
      asked[i]->accepted = votes[i].readable && votes[i].verification.score == Score::One;
      asked[i]->tokens += int64_t(each);
      if (votes[i].readable && !asked[i]->accepted)
        evaluations_.push_back({asked[i], std::move(votes[i].text)});
    }
    if (feedback_ == Feedback::Exact)
      for (auto& [chain, text] : evaluations_) text = evaluation_of(chain->last.proof);
    if (feedback_ == Feedback::Shuffled && evaluations_.size() > 1)
      for (std::size_t i = 0; i + 1 < evaluations_.size(); ++i)
        std::swap(evaluations_[i].second, evaluations_[i + 1].second);
  }

  void refine(std::vector<Chain>& chains, int round) {
    std::vector<Question> questions;
    std::vector<Chain*> asked;
    for (auto& [chain, evaluation] : evaluations_) {
      questions.push_back({"refine",
                           {{"problem", chain->statement.text},
                            {"candidate.1.proof", chain->last.proof.proof},
                            {"candidate.1.analysis.1", evaluation}},
                           seed(3, questions.size(), round),
                           plan_.temperature});
      asked.push_back(chain);
    }
    // What could not be read, or not be voted on, is tried afresh.
    for (std::size_t i = 0; i < chains.size(); ++i) {
      Chain& chain = chains[i];
      if (chain.accepted || std::ranges::find(asked, &chain) != asked.end()) continue;
      questions.push_back(generate(chain.statement, seed(4, i, round), plan_.temperature));
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

  LoopFigures summary(const std::vector<Chain>& chains) const {
    LoopFigures figures;
    figures.refined.resize(std::size_t(plan_.refinements) + 1);
    figures.accepted.resize(figures.refined.size());
    for (const Chain& chain : chains) {
      for (std::size_t r = 0; r < chain.history.size(); ++r) {
        figures.refined[r].add(chain.history[r].first);
        figures.accepted[r].add(chain.history[r].second);
      }
      figures.refine_tokens += chain.tokens;
    }
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
        questions.push_back(generate(fresh[i].statement, seed(5, i, round), plan_.temperature));
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
  Feedback feedback_;
  const EvaluationPlan& plan_;
  std::vector<std::pair<Chain*, std::string>> evaluations_;  // of the refused proofs of a round
};

}  // namespace

double Share::low() const {
  const Interval interval = wilson(*this);
  return of > 0 ? interval.middle - interval.half : 0;
}
double Share::high() const {
  const Interval interval = wilson(*this);
  return of > 0 ? interval.middle + interval.half : 1;
}

std::vector<theorems::Statement> draw_statements(theorems::Family family, int level,
                                                 const EvaluationPlan& plan) {
  theorems::Random random(theorems::seed_of(plan.seed, uint64_t(family) * 16 + uint64_t(level)));
  std::vector<theorems::Statement> statements;
  for (int64_t i = 0; i < plan.statements; ++i)
    statements.push_back(theorems::sample(family, level, plan.split, random));
  return statements;
}

std::vector<Attempt> attempt(Player& player, const std::vector<theorems::Statement>& statements,
                             const EvaluationPlan& plan) {
  std::vector<Question> questions;
  for (std::size_t i = 0; i < statements.size(); ++i)
    questions.push_back(generate(statements[i], theorems::seed_of(plan.seed, i), plan.temperature));
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

LoopFigures loop(Player& player, const std::vector<theorems::Statement>& statements,
                 Feedback feedback, const EvaluationPlan& plan) {
  return Loop(player, feedback, plan).run(statements);
}

}  // namespace training
