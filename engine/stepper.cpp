#include "engine/stepper.h"

#include <algorithm>

namespace engine {

std::vector<DrawOutcome> Stepper::draw(std::span<const model::Row> rows,
                                       std::span<const ToDraw> wanted) {
  const int64_t vocabulary = limits().vocabulary;
  logits_.resize(std::max(logits_.size(), wanted.size() * std::size_t(vocabulary)));
  const View<float, 2> logits{logits_.data(), {int64_t(wanted.size()), vocabulary}};
  forward(rows, logits);
  std::vector<DrawOutcome> outcomes;
  outcomes.reserve(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    outcomes.push_back(outcome_of(View<const float, 2>(logits)[int64_t(i)], wanted[i]));
  return outcomes;
}

}  // namespace engine
