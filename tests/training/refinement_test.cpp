#include "training/refinement.h"

#include <doctest/doctest.h>

using training::ChainRound;
using training::LoopFigures;

namespace {

using Chains = std::vector<std::vector<ChainRound>>;

LoopFigures best_of(const Chains& chains, std::size_t statements) {
  LoopFigures figures;
  training::add_best(chains, statements, figures);
  return figures;
}

}  // namespace

TEST_SUITE("training/refinement") {
  TEST_CASE("the verifier's score chooses another chain than the generator's own") {
    const Chains chains = {{{.true_halves = 0, .self_halves = 2, .vote_halves = 0}},
                           {{.true_halves = 2, .self_halves = 1, .vote_halves = 2}}};
    const LoopFigures figures = best_of(chains, 1);
    CHECK(figures.best_by_self[0].hits == 0);
    CHECK(figures.best_by_verifier[0].hits == 1);
    CHECK(figures.best_by_verifier[0].of == 1);
  }

  TEST_CASE("of equal votes the higher self score is chosen, then the first chain") {
    const Chains chains = {{{.true_halves = 0, .self_halves = 1, .vote_halves = 2}},
                           {{.true_halves = 2, .self_halves = 2, .vote_halves = 2}},
                           {{.true_halves = 0, .self_halves = 2, .vote_halves = 2}}};
    CHECK(best_of(chains, 1).best_by_verifier[0].hits == 1);
    CHECK(best_of(chains, 1).best_by_self[0].hits == 1);
  }

  TEST_CASE("a proof that could not be read is chosen last") {
    const Chains chains = {{{}}, {{.true_halves = 2, .self_halves = 0, .vote_halves = 0}}};
    CHECK(best_of(chains, 1).best_by_self[0].hits == 1);
  }

  TEST_CASE("each statement has its own chains, and each round its own choice") {
    // Two statements with two chains each: 0 and 2, 1 and 3.
    const ChainRound right = {.true_halves = 2, .self_halves = 2, .vote_halves = 2};
    const ChainRound wrong = {.true_halves = 0, .self_halves = 0, .vote_halves = 0};
    const Chains chains = {{wrong, wrong}, {wrong, wrong}, {right, right}, {wrong, right}};
    const LoopFigures figures = best_of(chains, 2);
    CHECK(figures.best_by_self[0].of == 2);
    CHECK(figures.best_by_self[0].hits == 1);
    CHECK(figures.best_by_self[1].hits == 2);
  }
}
