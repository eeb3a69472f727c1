#pragma once

#include "theorems/family.h"

namespace theorems {

// Numbers that are hard to find and easy to check:
//
//   Find x: 7*x == 3 (mod 31)      Find x: x^2 == 5 (mod 29)
//   Find a,b > 1: a*b = 221        Find x,y: 12*x - 35*y = 1
//
//   1. take x = 27 [take]          1. take a = 13 [take]       1. take x = 3 [take]
//   2. 7*27 = 189 = 6*31+3 [calc]  2. take b = 17 [take]       2. take y = 1 [take]
//   3. goal [1 2]                  3. 13*17 = 221 [calc]       3. 12*3 = 36 [calc]
//   QED                            4. goal [1 2 3]             4. 35*1 = 35 [calc]
//                                  QED                         5. 36-35 = 1 [sub 3 4]
//                                                              6. goal [1 2 5]
//                                                              QED
//
// Values may be taken anew as long as they do not do it; what stands before the last ones is then
// no longer needed, but is checked too. A proof that was found by trying may so tell the whole
// search.
const FamilyRules& witness_rules();

}  // namespace theorems
