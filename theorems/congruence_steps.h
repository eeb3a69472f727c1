#pragma once

#include <optional>
#include <string>
#include <vector>

#include "theorems/congruence_claim.h"

namespace theorems {

// A line of such a proof, taken apart: "37*24 = 888 = 52*17+4 [calc]".
struct CongruenceStep {
  enum class Kind { Calculation, Multiplication, Addition, Goal } kind = Kind::Calculation;
  Operation left = {};
  std::optional<Integer> value = {};
  std::optional<Certificate> certificate = {};
  std::string rule = {};
  std::vector<int> refs = {};

  // What later lines use. REQUIRES: not a Goal.
  Integer remainder() const { return certificate ? certificate->remainder : value.value_or(0); }
};

// Nothing if the body is no such line.
std::optional<CongruenceStep> read_step(const Line& line);
Line to_line(const CongruenceStep& step, int number);

// The step with this left side, calculated as it should be. `modulus` 0: no remainder is shown.
CongruenceStep calculated(CongruenceStep::Kind kind, Operation left, Integer modulus,
                          std::vector<int> refs);

}  // namespace theorems
