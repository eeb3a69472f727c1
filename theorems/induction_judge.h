#pragma once

#include "theorems/induction_lines.h"

namespace theorems {

// The lines of a proof by induction judged alone, without regard to rule and references. Working
// and remedy are filled.

LineReport judge_base(const InductionClaim& claim, const BaseLine& line);

// A next or claim line against its claim.
LineReport judge_expansion(InductionPart part, const InductionClaim& claim,
                           const CollectedLine& line);

// A step whose second operand should be `next`.
LineReport judge_step(const InductionClaim& claim, const Polynomial& next,
                      const CollectedLine& line);

// The right body with rule and reference; `next` is the number of the next line, 0: none. Empty
// for a base that fails.
std::string remedy_of(InductionPart part, const InductionClaim& claim, int next);

}  // namespace theorems
