#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "theorems/family.h"

namespace theorems {

struct Statement {
  Family family = Family::Congruence;
  std::string text;  // ASCII, in our spelling
};

// Why a text is no statement of the domain, and the nearest form that would be one.
struct NotKnown {
  std::string reason;
  std::string nearest;  // an example of the form that comes closest
};

inline constexpr std::size_t kStatementBytesMax = 2000;

// A statement as a person types it, in ASCII or in TeX (\cdot, \equiv, \pmod, \mid, \sum, \land
// ...).
std::variant<Statement, NotKnown> read_statement(std::string_view text);

// Which statements may be trained on: decided by a 64-bit hash of the canonical form, so that no
// spelling of a test statement can be met in training.
enum class Split { Train, Dev, Test };
Split split_of(const Statement& statement);  // 2 % test, 2 % dev

// A statement of this split: drawn until one falls there.
Statement sample(Family family, int level, Split split, Random& random);

// Reads and checks a proof. An unreadable proof earns 0 and has no lines.
Report check(const Statement& statement, std::string_view proof);

}  // namespace theorems
