#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "theorems/family.h"
#include "theorems/formula.h"

namespace theorems {

inline constexpr std::size_t kPremisesMax = 24;

struct DeductionStatement {
  Formulas formulas = {};
  std::vector<FormulaId> premises = {};
  FormulaId goal = kNoFormula;
};

// "Given: p->q; p. Prove: q", or "Prove: p->p" without premises. At most kPremisesMax premises and
// kTableAtomsMax atoms.
std::variant<DeductionStatement, NotOfFamily> read_deduction(std::string_view text);

std::string to_text(const DeductionStatement& statement);
std::string to_tex(const DeductionStatement& statement);

// Atoms named a, b, c ... in the order in which they occur, premises sorted: equal for statements
// that differ only in the names of the atoms and the order of the premises.
std::string canonical_text(const DeductionStatement& statement);

}  // namespace theorems
