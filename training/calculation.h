#pragma once

#include <string>

#include "theorems/random.h"

namespace training {

// A calculation as the texts of the domain contain them, for learning by heart: the tables that
// proofs take in one step are met ten times as often on a sheet of calculations as in proofs.
struct Calculation {
  std::string asked;   // "57*8 (mod 9) = "
  std::string answer;  // "456 = 50*9+6"
};

// A product with one digit, a sum or a difference, also below 0, a longer product or a division in
// their steps (theorems/arithmetic_steps.h), a product with its remainder as a line of a proof
// states it.
Calculation calculation(theorems::Random& random);

}  // namespace training
