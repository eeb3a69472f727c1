#pragma once

#include "theorems/family.h"

namespace theorems {

// "Prove: 6 | n^3 + 5*n for all n": a polynomial takes multiples of the divisor only. Proved by one
// case for each residue, since equal residues give equal residues:
//
//   1. case n=0: 0+0 = 0 = 0*6 [case]
//   2. case n=1: 1+5 = 6 = 1*6 [case]
//   3. case n=2: 8+10 = 18 = 3*6 [case]
//   ...
//   7. goal [cases 1 2 3 4 5 6]
//   QED
//
// In a case stand the values of the terms in the order of the statement, their sum, and the
// quotient times the divisor; of a single term only the last two. Of more than two values partial
// sums may stand before the sum, "1+24+44 = 25+44 = 69 = 23*3"; our own proofs have them.
const FamilyRules& divisibility_rules();

}  // namespace theorems
