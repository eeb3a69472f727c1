#pragma once

#include <vector>

#include "theorems/induction_claim.h"

namespace theorems {

// Judges a proof by induction. The goal follows when a base, a step and a claim are cited and step
// and claim have the same result.
std::vector<LineReport> check_induction(const InductionClaim& claim, const Proof& proof);

}  // namespace theorems
