#pragma once

#include "theorems/deduction_search.h"
#include "theorems/deduction_statement.h"
#include "theorems/proof.h"

namespace theorems {

// A true statement whose shortest proof found has so many lines before "goal": 3-4, 5-6, 7-9,
// 10-14 and, at level 5, 15-20. Suppositions occur from level 4 on, premises that the proof does
// not need from level 2 on. REQUIRES: 1 <= level <= kLevels.
DeductionStatement sample_deduction(int level, Random& random);

// The lines before "goal".
std::optional<std::vector<Application>> derive(DeductionStatement& statement, Random& random);
Proof to_proof(const Formulas& formulas, const std::vector<Application>& lines);

}  // namespace theorems
