#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "theorems/induction_claim.h"

namespace theorems {

// The lines of a proof by induction, taken apart.

// "base: 4-1 = 3 = 2+1": the values of the terms of factor * f at 1, their sum, those of F. The
// sum may be left out where either side has a single term.
struct BaseLine {
  std::optional<std::vector<Integer>> left = {};
  std::optional<Integer> sum = {};
  std::optional<std::vector<Integer>> right = {};
};

// "next: (4*k+4)-1 = 4*k+3": factor * f(k+1), a group for each term, and collected.
// "step: (2*k^2+k)+(4*k+3) = 2*k^2+5*k+3": F(k) and what the next line found.
// "claim: (2*k^2+4*k+2)+(k+1) = 2*k^2+5*k+3": F(k+1), a group for each term.
// A single group is written once.
enum class InductionPart { Base, Step, Claim, Next };  // the goal cites the first three
inline constexpr int kInductionGoalParts = 3;

struct CollectedLine {
  std::optional<std::vector<Polynomial>> groups = {};
  Polynomial result = {};
};

std::string_view word_of(InductionPart part);  // "base"
std::string_view rule_of(InductionPart part);  // "base", "hyp", "calc", "next"
std::optional<InductionPart> part_of(std::string_view body);

// Nothing if the body is no such line; each throws TooLarge.
std::optional<BaseLine> read_base(std::string_view body, const InductionClaim& claim);
std::optional<CollectedLine> read_collected(std::string_view body, std::size_t groups);
std::string to_text(const BaseLine& line);
std::string to_text(InductionPart part, const CollectedLine& line);

// The lines as they should be. A base that fails has different sums on both sides.
BaseLine right_base(const InductionClaim& claim);
CollectedLine right_collected(InductionPart part, const InductionClaim& claim);

std::vector<Polynomial> groups_at_next(const Terms& terms);  // c*(k+1)^d of each term

}  // namespace theorems
