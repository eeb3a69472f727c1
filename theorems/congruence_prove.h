#pragma once

#include <optional>
#include <vector>

#include "theorems/congruence_steps.h"

namespace theorems {

// The steps of a proof that earns 1; nothing if the claim is false.
std::optional<std::vector<CongruenceStep>> prove_congruence(const CongruenceClaim& claim);

Proof to_proof(const std::vector<CongruenceStep>& steps);

// Spoils a right proof; see FamilyRules::spoil.
Spoilt spoil_congruence(const CongruenceClaim& claim, const Proof& proof, Random& random);

}  // namespace theorems
