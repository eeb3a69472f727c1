#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "training/evaluation.h"

namespace training {

// Labels of proofs without people, after DeepSeekMath-V2, section 2: n analyses of each proof; m
// judgements of each analysis that scores below 1. The paper gives no n, m, k; these are ours.

struct LabelPlan {
  int analyses = 8;    // n
  int judgements = 3;  // m
  int upheld_min = 2;  // k
  // Which score is put to the test: as in the paper the lowest that any analysis gave, so that a
  // single unfounded 0 can leave a proof undecided; or the lowest that k judged analyses upheld.
  enum class Lowest { Given, Upheld } lowest = Lowest::Given;
};

// An analysis and what most of its m judgements say; those that cannot be read say no.
struct AnalysisVote {
  prompts::Score score = prompts::Score::One;
  bool issue = false;   // at least one of its issues is real
  bool upheld = false;  // and its score follows from the real ones
};

// Of one analysis that scores below 1. Nothing: a judgement that could not be read.
AnalysisVote vote_of(prompts::Score score,
                     std::span<const std::optional<prompts::MetaVerification>> judgements);

// A score below 1 that k analyses uphold, as plan.lowest says; 1 if no analysis has a real issue;
// else nothing, and nothing of fewer than k analyses. `votes` are of one proof.
std::optional<prompts::Score> label_of(const LabelPlan& plan, std::span<const AnalysisVote> votes);

struct Labelled {
  std::vector<AnalysisVote> votes;  // of the analyses that could be read
  std::optional<prompts::Score> label;
};

// Both halves of the work below, for other ways to ask. `analyses` are n of each proof, side by
// side; the questions are m for each readable one below 1, and `answers` are in their order.
std::vector<Question> judgement_questions(const std::vector<Judged>& proofs,
                                          const std::vector<Verified>& analyses,
                                          const LabelPlan& plan, uint64_t seed, double temperature);
std::vector<Labelled> read_labels(const std::vector<Verified>& analyses,
                                  const std::vector<Answer>& answers, const LabelPlan& plan);

// Asks the model for all of it. Throws std::invalid_argument if n, m or k is below 1, or k above n.
std::vector<Labelled> label(Player& player, const std::vector<Judged>& proofs,
                            const LabelPlan& plan, const EvaluationPlan& evaluation);

// Against the exact checker.
struct LabelFigures {
  Share covered;                                         // of all: with a label
  Share agreed;                                          // of these: the checker's score
  std::array<std::array<int64_t, 3>, 3> confusion = {};  // [true halves][label's halves]
  std::array<int64_t, 3> undecided = {};                 // [true halves]
};
LabelFigures figures_of(const std::vector<Judged>& proofs, const std::vector<Labelled>& labelled);

}  // namespace training
