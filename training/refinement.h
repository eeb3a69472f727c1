#pragma once

#include <vector>

#include "training/evaluation.h"

namespace training {

// What refinement brings, measured with the exact checker: chains of proof, one verification and,
// if it refuses, a refinement with that evaluation. A chain ends when its proof is accepted.

enum class Feedback {
  Own,       // the model's own evaluation
  Shuffled,  // that of another chain: what refining is worth without it
  Exact,     // the checker's
};

struct LoopPlan {
  Feedback feedback = Feedback::Own;
  int refinements = 7;
  int chains = 1;  // for each statement
};

struct LoopFigures {
  // [0 ... refinements], of all chains.
  std::vector<Share> refined;   // the checker gives the last proof 1
  std::vector<Share> accepted;  // the model accepts it
  // [0 ... refinements], of statements: the best of its chains' last proofs earns 1, chosen by the
  // self score, or by the verifier's score and then the self score. Of equals, the first chain's.
  std::vector<Share> best_by_self, best_by_verifier;
  // Of all chains' statements: fresh attempts until one is accepted, begun as long as they have
  // cost fewer tokens than the chain. The last one counts. None if a statement has several chains.
  Share resampled;
  Share resampled_accepted;
  int64_t refine_tokens = 0, resample_tokens = 0;
};

// Throws std::invalid_argument if there is no chain.
LoopFigures loop(Player& player, const std::vector<theorems::Statement>& statements,
                 const LoopPlan& loop, const EvaluationPlan& plan);

// Of so many statements' chains: [chains * statements][0 ... refinements], those of statement s at
// s, s + statements, ...
struct ChainRound {
  int true_halves = 0;
  int self_halves = -1, vote_halves = -1;  // -1: there is none
};
void add_best(const std::vector<std::vector<ChainRound>>& chains, std::size_t statements,
              LoopFigures& figures);

}  // namespace training
