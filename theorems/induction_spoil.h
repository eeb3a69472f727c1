#pragma once

#include "theorems/induction_claim.h"

namespace theorems {

// See `FamilyRules::spoil`.
Spoilt spoil_induction(const InductionClaim& claim, const Proof& proof, Random& random);

}  // namespace theorems
