#pragma once

#include "theorems/deduction_statement.h"
#include "theorems/family.h"

namespace theorems {

// One, two or three errors (60, 30, 10 %). After a formula was changed the lines that use it are
// mostly worked out anew from it. REQUIRES: the proof earns 1.
Spoilt spoil_deduction(DeductionStatement statement, const Proof& proof, Random& random);

}  // namespace theorems
