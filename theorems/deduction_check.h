#pragma once

#include <vector>

#include "theorems/deduction_statement.h"
#include "theorems/proof.h"
#include "theorems/report.h"

namespace theorems {

inline constexpr std::string_view kGoalBody = "goal";

// Only so many wrong lines of a proof are told which line a proof would have in their place.
inline constexpr int kRemediesSearchedMax = 4;

// A line's working is what its rule gives from what it names: "4: p->q 3: p gives q". If that is
// not the line, there follows how else the line follows, "; given 1: p->q 3: p gives q", or "none".
// So a right line's working ends in the line, a gap's too, but behind a ";", and a wrong line's in
// "none".
std::vector<LineReport> check_deduction(DeductionStatement statement, const Proof& proof);

}  // namespace theorems
