#include "theorems/congruence_prove.h"

#include <utility>

namespace theorems {

using Kind = CongruenceStep::Kind;

std::optional<std::vector<CongruenceStep>> prove_congruence(const CongruenceClaim& claim) {
  std::vector<CongruenceStep> steps;
  std::vector<int> ends;  // the line in which each term ends
  const auto remainder = [&](int line) { return steps[std::size_t(line - 1)].remainder(); };
  for (const Operation& term : claim.terms) {
    if (!is_power(term, 3)) {
      steps.push_back(calculated(Kind::Calculation, term, claim.modulus, {}));
    } else {
      const Integer base = term.numbers[0];
      steps.push_back(calculated(Kind::Calculation, {{base, 2}, "^"}, claim.modulus, {}));
      const int square = int(steps.size());
      steps.push_back(calculated(Kind::Multiplication, {{remainder(square), base}, "*"},
                                 claim.modulus, {square}));
    }
    ends.push_back(int(steps.size()));
  }
  int sum = ends.front();
  for (std::size_t i = 1; i < ends.size(); ++i) {
    steps.push_back(calculated(Kind::Addition, {{remainder(sum), remainder(ends[i])}, "+"},
                               claim.modulus, {sum, ends[i]}));
    sum = int(steps.size());
  }
  if ((remainder(sum) - claim.residue) % claim.modulus != 0) return std::nullopt;
  CongruenceStep goal{.kind = Kind::Goal};
  goal.refs = {sum};
  steps.push_back(std::move(goal));
  return steps;
}

Proof to_proof(const std::vector<CongruenceStep>& steps) {
  Proof proof;
  for (const CongruenceStep& step : steps)
    proof.lines.push_back(to_line(step, int(proof.lines.size()) + 1));
  return proof;
}

}  // namespace theorems
