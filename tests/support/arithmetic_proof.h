#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/draws.h"

namespace support {

// The little world of the scripted model: a proof is a list of numbered steps, one a line, each
// with one sum or product of whole numbers as a formula:
//
//   Step 3. Adding the two parts gives $17 + 25 = 42$.
//
// Whether a step is right can be seen by doing the sum, so that a verifier needs no oracle: it
// looks at the text like any reader. A vague step says that something is clear and shows nothing.
enum class StepKind { Right, Wrong, Vague };

struct Step {
  StepKind kind = StepKind::Right;
  std::string line;  // the whole line, without blanks around it
};

// One line "Step `number`. ..." of that kind.
std::string write_step(std::size_t number, StepKind kind, const Draws& draws);

// The kind of one line: Wrong if a formula in it that is nothing but `a + b = c`, `a - b = c` or
// `a \cdot b = c` is false, Right if all are true; without any, Vague if it is one of our vague
// sentences. Nothing for every other line.
std::optional<StepKind> kind_of(std::string_view line);

// The steps of a proof in their order. None if it is not of this world: if it has no step, more
// than kStepsMax, or one whose kind cannot be told.
std::vector<Step> read_steps(std::string_view proof);
inline constexpr std::size_t kStepsMax = 256;

// Whether any text holds a formula of that form that is false.
bool holds_false_formula(std::string_view text);

}  // namespace support
