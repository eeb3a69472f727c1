#pragma once

#include <vector>

#include "theorems/congruence_claim.h"
#include "theorems/proof.h"
#include "theorems/report.h"

namespace theorems {

std::vector<LineReport> check_congruence(const CongruenceClaim& claim, const Proof& proof);

}  // namespace theorems
