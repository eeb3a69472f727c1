#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "theorems/deduction_inference.h"
#include "theorems/random.h"

namespace theorems {

struct SearchInput {
  const std::vector<FormulaId>& premises;
  const std::vector<std::pair<FormulaId, int>>& lines;  // already there, at no cost
  FormulaId target = kNoFormula;
};

// A short proof of the target: its lines, numbered on from `first_line`, without "goal". Forward
// chaining over the subformulas, and suppositions for the implications among them, at most
// kSuppositionDepthMax within each other. Empty if the target is among the lines. Nothing if no
// proof was found. Where there are several as short, `random` chooses.
inline constexpr int kSuppositionDepthMax = 3;
inline constexpr int kClosuresMax = 60;        // sets of facts that are closed under the rules
inline constexpr int kSearchWorkMax = 200000;  // pairs of facts that are looked at
std::optional<std::vector<Application>> search(Formulas& formulas, const SearchInput& input,
                                               int first_line, Random& random);

}  // namespace theorems
