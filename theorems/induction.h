#pragma once

#include "theorems/family.h"

namespace theorems {

// "Prove: sum(i=1..n) (4*i - 1) = 2*n^2 + n for all n >= 1", f(i) under the sum and F(n) on the
// right: F(1) is f(1), and F(k) + f(k+1) is F(k+1). A factor in front of the sum keeps the right
// side free of fractions; f then stands for its multiple.
//
//   1. base: 4-1 = 3 = 2+1 [base]
//   2. next: (4*k+4)-1 = 4*k+3 [next]
//   3. step: (2*k^2+k)+(4*k+3) = 2*k^2+5*k+3 [hyp 2]
//   4. claim: (2*k^2+4*k+2)+(k+1) = 2*k^2+5*k+3 [calc]
//   5. goal [ind 1 3 4]
//   QED
//
// base: the values of the terms at 1; next: f(k+1), a group for each term, and collected; step:
// F(k), by hypothesis the sum so far, and what the next line found; claim: F(k+1).
const FamilyRules& induction_rules();

}  // namespace theorems
