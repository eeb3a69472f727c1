#pragma once

#include <vector>

#include "theorems/proof.h"
#include "theorems/report.h"
#include "theorems/witness_claim.h"

namespace theorems {

std::vector<LineReport> check_witness(const WitnessClaim& claim, const Proof& proof);

}  // namespace theorems
