#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/instructions.h"
#include "kernels/threads.h"
#include "training/arithmetic.h"
#include "training/parameters.h"

namespace training {

// What an optimiser remembers between steps. A stage that changes the algorithm starts with a new
// one: Muon's momentum means nothing to AdamW.
struct OptimiserState {
  explicit OptimiserState(int64_t size)
      : first(std::size_t(size), 0.f), second(std::size_t(size), 0.f) {}

  int64_t step = 0;           // steps made
  std::vector<float> first;   // Muon's momentum, AdamW's first moment: an arena
  std::vector<float> second;  // AdamW's second moment: an arena
};

struct StepRates {
  enum class Algorithm {
    Table,  // as Parameter::update says
    AdamW,  // for every matrix too: small steps, for reinforcement learning
  } algorithm = Algorithm::Table;
  enum class Trained { All, Main, Indexer } trained = Trained::All;

  double muon = 0.02, muon_decay = 0.05;
  double adamw = 2e-3, adamw_decay = 0;  // vectors do not decay
  double norm_max = 1;                   // of the gradient of all trained numbers together; 0: any
  double bias = 1e-3;                    // how far a router's correction bias moves
};

struct StepReport {
  double gradient_norm = 0;  // before it was clipped
  // NotFinite: the gradient holds an infinity or no number at all; nothing was changed.
  enum class Outcome { Done, NotFinite } outcome = Outcome::Done;
};

// Muon, AdamW and the router's bias over one arena. Equal bits for any number of threads.
class Optimiser {
 public:
  // `threads` outlives it.
  // `precision` is that of Muon's products.
  Optimiser(std::span<const Parameter> parameters, Instructions level, Threads& threads,
            Precision precision = Precision::Float);

  // One step. `gradients` are of the mean loss. `expert_load` holds the tokens that each expert
  // got, layer by layer, as PassLosses; empty: biases stay. A bias moves by
  //   rate * sign(mean load - own load)                        (DeepSeek-V3, 2.1.2)
  // REQUIRES: arenas as large as the parameters.
  StepReport step(OptimiserState& state, std::span<float> weights, std::span<const float> gradients,
                  std::span<const int64_t> expert_load, const StepRates& rates);

 private:
  // A piece of work that needs no other: a matrix of Muon's, or a run of AdamW's numbers.
  struct Piece {
    const Parameter* parameter = nullptr;  // into parameters_
    int64_t first = 0, count = 0;          // in the arena
  };

  std::vector<Piece> pieces(const StepRates& rates) const;
  double gradient_norm(std::span<const float> gradients, StepRates::Trained trained);
  void move_biases(std::span<float> weights, std::span<const int64_t> expert_load, double rate);

  std::vector<Parameter> parameters_;
  Instructions level_;
  Precision precision_;
  Threads& threads_;
};

}  // namespace training
