#pragma once

#include "theorems/divisibility_claim.h"

namespace theorems {

// See `FamilyRules::spoil`.
Spoilt spoil_divisibility(const DivisibilityClaim& claim, const Proof& proof, Random& random);

}  // namespace theorems
