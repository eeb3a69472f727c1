#pragma once

#include <string>

#include "theorems/congruence_steps.h"
#include "theorems/report.h"

namespace theorems {

// Compares the value and the remainder that a line states with the true ones. `prefix` is what the
// reader has written before the calculation, `steps` the calculation of the left side. `modulus` 0:
// there is no remainder, the value itself counts.
LineReport check_value(const CongruenceStep& step, Integer modulus, const std::string& prefix,
                       const std::string& steps);

// The left side calculated in small steps: a product or a power; "" of a plain number.
std::string steps_of(const Operation& left);

// "37*24 = 888 = 52*17+4 [calc]": a remedy.
std::string body_with_rule(const CongruenceStep& step);

LineReport wrong(Defect defect, std::string working);

// Makes a line that was right a gap.
void make_gap(LineReport& report, Defect defect, std::string remedy);

}  // namespace theorems
