#pragma once

#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "theorems/proof.h"
#include "theorems/random.h"
#include "theorems/report.h"

namespace theorems {

// The built-in domain: five kinds of statements whose proofs a program can check exactly.
enum class Family : uint8_t {
  Congruence,    // Prove: 37*24 + 8*9 + 15^2 == 12 (mod 17)
  Witness,       // Find x: 7*x == 3 (mod 31)
  Divisibility,  // Prove: 6 | n^3 + 5*n for all n
  Induction,     // Prove: sum(i=1..n) (4*i - 1) = 2*n^2 + n for all n >= 1
  Deduction,     // Given: p->q; q->(r&s); p. Prove: s
};
inline constexpr std::array kFamilies = {Family::Congruence, Family::Witness, Family::Divisibility,
                                         Family::Induction, Family::Deduction};
std::string_view to_text(Family family);  // "congruence", ...

inline constexpr int kLevels = 5;  // 1 ... 5; 5 is longer than anything trained on

// Why a text is no statement of a family, in words for its author.
struct NotOfFamily {
  std::string reason;
};

// How a proof is spoilt. Which score it then earns is the checker's to say.
struct Injection {
  int line = 0;  // the line's number, 0: the whole
  std::string kind;
};
struct Spoilt {
  Proof proof;
  std::vector<Injection> injections;
};

// What each family brings. Statements are passed as texts in the family's own ASCII form, as `read`
// gives them.
class FamilyRules {
 public:
  virtual ~FamilyRules() = default;

  // A statement as a person types it (blanks free), brought into our spelling. It need not be true.
  virtual std::variant<std::string, NotOfFamily> read(std::string_view ascii) const = 0;

  // A true statement. REQUIRES: 1 <= level <= kLevels.
  virtual std::string sample(int level, Random& random) const = 0;

  // Equal for statements that differ only in spelling: terms sorted, atoms renamed in the order in
  // which they occur. Its hash decides to which split a statement belongs.
  virtual std::string canonical(std::string_view statement) const = 0;

  // A proof that earns 1, or nothing if the statement is false. Where there are several ways,
  // `random` chooses.
  virtual std::optional<Proof> prove(std::string_view statement, Random& random) const = 0;

  // One report for each line, all members filled; `needed` found by following references from the
  // goal.
  virtual std::vector<LineReport> check(std::string_view statement, const Proof& proof) const = 0;

  // Spoils a proof, right or spoilt before, in one to three places, as `Defect` names them; after a
  // wrong value the rest is mostly computed on from it.
  virtual Spoilt spoil(std::string_view statement, const Proof& proof, Random& random) const = 0;

  // The statement in TeX, for pages and for tests of the reader.
  virtual std::string to_tex(std::string_view statement) const = 0;
};

const FamilyRules& rules_of(Family family);

}  // namespace theorems
