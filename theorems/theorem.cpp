#include "theorems/theorem.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "theorems/congruence.h"
#include "theorems/deduction.h"
#include "theorems/divisibility.h"
#include "theorems/induction.h"
#include "theorems/tex.h"
#include "theorems/witness.h"

namespace theorems {
namespace {

// What a text of each family has and others have not, and an example of the family.
struct Sign {
  Family family;
  std::string_view sign, example;
};
constexpr Sign kSigns[] = {
    {Family::Deduction, "Given", "Given: p->q; q->(r&s); p. Prove: s"},
    {Family::Induction, "sum(", "Prove: sum(i=1..n) (4*i - 1) = 2*n^2 + n for all n >= 1"},
    {Family::Witness, "Find", "Find x: 7*x == 3 (mod 31)"},
    {Family::Divisibility, "|", "Prove: 6 | n^3 + 5*n for all n"},
    {Family::Congruence, "", "Prove: 37*24 + 8*9 + 15^2 == 12 (mod 17)"},
};

// FNV-1a (Fowler, Noll, Vo), 64 bits, stirred once more: its low digits alone are not even.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return seed_of(hash, 0);
}

constexpr int kDrawsMax = 1'000'000;

}  // namespace

std::string_view to_text(Family family) {
  constexpr std::string_view kTexts[] = {"congruence", "witness", "divisibility", "induction",
                                         "deduction"};
  return kTexts[int(family)];
}

const FamilyRules& rules_of(Family family) {
  switch (family) {
    case Family::Congruence:
      return congruence_rules();
    case Family::Witness:
      return witness_rules();
    case Family::Divisibility:
      return divisibility_rules();
    case Family::Induction:
      return induction_rules();
    case Family::Deduction:
      return deduction_rules();
  }
  return congruence_rules();
}

std::variant<Statement, NotKnown> read_statement(std::string_view text) {
  if (text.size() > kStatementBytesMax)
    return NotKnown{fmt::format("longer than {} bytes", kStatementBytesMax),
                    std::string(kSigns[4].example)};
  const std::string ascii = ascii_of(text);
  for (const Sign& sign : kSigns) {
    if (ascii.find(sign.sign) == std::string::npos) continue;
    auto read = rules_of(sign.family).read(ascii);
    if (auto* statement = std::get_if<std::string>(&read))
      return Statement{sign.family, std::move(*statement)};
    return NotKnown{std::get<NotOfFamily>(std::move(read)).reason, std::string(sign.example)};
  }
  return NotKnown{"nothing that is known", ""};  // not reached: the last sign is in every text
}

Split split_of(const Statement& statement) {
  const uint64_t bucket = hash_of(rules_of(statement.family).canonical(statement.text)) % 100;
  return bucket < 2 ? Split::Test : bucket < 4 ? Split::Dev : Split::Train;
}

Statement sample(Family family, int level, Split split, Random& random) {
  const FamilyRules& rules = rules_of(family);
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    Statement statement{family, rules.sample(level, random)};
    if (split_of(statement) == split) return statement;
  }
  throw std::runtime_error(fmt::format(
      "no statement of family {} and level {} falls into this split", to_text(family), level));
}

Report check(const Statement& statement, std::string_view proof) {
  Report report;
  const auto read = read_proof(proof);
  if (const auto* unreadable = std::get_if<Unreadable>(&read)) {
    report.unreadable = fmt::format("line {}: {}", unreadable->line, unreadable->reason);
    return report;
  }
  report.lines = rules_of(statement.family).check(statement.text, std::get<Proof>(read));
  report.halves = halves_of(report.lines);
  for (std::size_t i = 0; i < report.lines.size() && !report.first_flaw; ++i)
    if (report.lines[i].status == Status::Wrong || report.lines[i].status == Status::Gap)
      report.first_flaw = int(i) + 1;
  return report;
}

}  // namespace theorems
