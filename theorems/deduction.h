#pragma once

#include "theorems/family.h"

namespace theorems {

// Natural deduction for propositions. A proof's lines are formulas, and its last line is "goal":
//
//   Given: p->q; q->(r&s); t|p; !t. Prove: s
//
//   1. t|p [given 3]        a premise, by its place in the statement
//   2. !t [given 4]
//   3. p [ds 1 2]           the other rules use lines
//   ...
//   9. goal [8]
//
//   mp   A->B, A gives B            mt   A->B, !B gives !A      hs    A->B, B->C gives A->C
//   ds   A|B, !A gives B, and       andi A, B gives A&B         ande  A&B gives A or B
//        A|B, !B gives A            ori  A gives A|B or B|A     cases A|B, A->C, B->C gives C
//
// Lines may be named in any order, except with andi. !A stands for C too where A is !C. For an
// implication one supposes and discharges:
//
//   5. p [suppose]
//   8. s [ande 7]
//   9. p->s [impi 5 8]
//
// Only the innermost open supposition can be discharged; from then on its lines, 5 to 8, may not be
// used any more.
const FamilyRules& deduction_rules();

}  // namespace theorems
