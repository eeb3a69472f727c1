#pragma once

#include <vector>

#include "theorems/divisibility_claim.h"

namespace theorems {

// Judges a proof by cases. The goal follows when for each residue 0 ... modulus - 1 a line is
// cited. A number before the certificate that is wrong is a slip if it is the only one and the
// certificate is right.
std::vector<LineReport> check_divisibility(const DivisibilityClaim& claim, const Proof& proof);

}  // namespace theorems
