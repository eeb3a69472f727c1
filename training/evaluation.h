#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "training/lessons.h"
#include "training/player.h"

namespace training {

// What a model can do, measured on fresh statements of a split with the exact checker as judge.

// So many of so many, with Wilson's interval of 95 %.
struct Share {
  int64_t hits = 0, of = 0;
  double value() const { return of > 0 ? double(hits) / double(of) : 0; }
  double low() const;
  double high() const;
  void add(bool hit) {
    hits += hit ? 1 : 0;
    ++of;
  }
};

struct EvaluationPlan {
  theorems::Split split = theorems::Split::Dev;
  uint64_t seed = 1;
  int64_t statements = 64;  // of each family and level
  double temperature = 0.7;
  int32_t tokens_max = 2048;
};

// Proofs at the first attempt. `work` gets all that was written, with what the checker says.
struct Attempt {
  Judged proof;
  prompts::Score self_score = prompts::Score::Zero;
  bool readable = false;  // in the generator's form
  int64_t tokens = 0;
};
struct ProofFigures {
  Share readable, solved;  // solved: the checker gives 1
  Share claimed;           // of all: the self score is 1
  Share honest;            // of readable ones: the self score is the checker's
};
// The question that an attempt answers, and what its answer is.
Question generation_question(const theorems::Statement& statement, uint64_t seed,
                             double temperature);
Attempt read_attempt(const theorems::Statement& statement, const Answer& answer);
std::vector<Attempt> attempt(Player& player, const std::vector<theorems::Statement>& statements,
                             const EvaluationPlan& plan);
ProofFigures figures_of(const std::vector<Attempt>& attempts);

// Fresh statements of one family and level.
std::vector<theorems::Statement> draw_statements(theorems::Family family, int level,
                                                 const EvaluationPlan& plan);

// One verification each of these proofs.
struct VerifierFigures {
  Share readable;
  std::array<std::array<int64_t, 3>, 3> confusion = {};  // [true halves][given halves]
  Share wrong_accepted;                                  // of proofs that earn less than 1: given 1
  Share right_refused;                                   // of proofs that earn 1: given less
  Share first_flaw;      // of flawed proofs found flawed: the first issue quotes the first flaw
  double macro() const;  // mean over the true scores of the share that is met
};
struct Verified {
  prompts::Verification verification;
  bool readable = false;
  std::string text;
};
std::vector<Verified> verify(Player& player, const std::vector<Judged>& proofs, uint64_t seed,
                             const EvaluationPlan& plan);
VerifierFigures figures_of(const std::vector<Judged>& proofs, const std::vector<Verified>& votes);

}  // namespace training
