#pragma once

#include "theorems/family.h"

namespace theorems {

// Sums of products and powers modulo a number:
//
//   Prove: 37*24 + 8*9 + 15^2 == 12 (mod 17)
//
//   1. 37*24 = 888 = 52*17+4 [calc]      every term is reduced, the quotient is shown
//   2. 8*9 = 72 = 4*17+4 [calc]
//   3. 15^2 = 225 = 13*17+4 [calc]       a cube takes two: 13^2 = ..., then 16*13 = ... [mul 1]
//   4. 4+4 = 8 [add 1 2]                 then the remainders are added, two at a time
//   5. 8+4 = 12 [add 4 3]
//   6. goal [5]
//   QED
const FamilyRules& congruence_rules();

}  // namespace theorems
