#pragma once

#include <string>

#include "theorems/exact.h"

namespace theorems {

// Calculations as one writes them down when each step is a product with one digit (times a power of
// ten) or a sum. REQUIRES: numbers >= 0.

std::string sum_step(Integer a, Integer b);         // "740+148=888"
std::string difference_step(Integer a, Integer b);  // "888-850=38"

// "37*20=740 37*4=148 740+148=888"; "37*4=148" if either factor has one digit
// that is not 0.
std::string product_steps(Integer a, Integer b);

// Long division, one digit of the quotient a step: "17*50=850 888-850=38 17*2=34 38-34=4". For
// a < m only the comparison: "9<17". REQUIRES: m > 0.
std::string division_steps(Integer a, Integer m);

}  // namespace theorems
