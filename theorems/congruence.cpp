#include "theorems/congruence.h"

#include <algorithm>

#include "theorems/congruence_check.h"
#include "theorems/congruence_prove.h"

namespace theorems {
namespace {

// REQUIRES: a statement in our spelling.
CongruenceClaim claim_of(std::string_view statement) {
  return std::get<CongruenceClaim>(read_congruence(statement));
}

std::string term_in_tex(const Operation& term) {
  if (term.operators == "*")
    return to_text(term.numbers[0]) + " \\cdot " + to_text(term.numbers[1]);
  return to_text(term);
}

class Rules final : public FamilyRules {
 public:
  std::variant<std::string, NotOfFamily> read(std::string_view ascii) const override {
    auto claim = read_congruence(ascii);
    if (auto* reason = std::get_if<NotOfFamily>(&claim)) return std::move(*reason);
    return to_text(std::get<CongruenceClaim>(claim));
  }

  std::string sample(int level, Random& random) const override {
    return to_text(sample_congruence(level, random));
  }

  std::string canonical(std::string_view statement) const override {
    const CongruenceClaim claim = claim_of(statement);
    std::vector<std::string> names;
    for (const Operation& term : claim.terms) names.push_back(name_of(term));
    std::ranges::sort(names);
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : "+") + name;
    return text + "==" + to_text(claim.residue) + "mod" + to_text(claim.modulus);
  }

  std::optional<Proof> prove(std::string_view statement, Random&) const override {
    const auto steps = prove_congruence(claim_of(statement));
    if (!steps) return std::nullopt;
    return to_proof(*steps);
  }

  std::vector<LineReport> check(std::string_view statement, const Proof& proof) const override {
    return check_congruence(claim_of(statement), proof);
  }

  Spoilt spoil(std::string_view statement, const Proof& proof, Random& random) const override {
    return spoil_congruence(claim_of(statement), proof, random);
  }

  std::string to_tex(std::string_view statement) const override {
    const CongruenceClaim claim = claim_of(statement);
    std::string sum;
    for (const Operation& term : claim.terms) sum += (sum.empty() ? "" : " + ") + term_in_tex(term);
    return "Prove: $" + sum + " \\equiv " + to_text(claim.residue) + " \\pmod{" +
           to_text(claim.modulus) + "}$";
  }
};

}  // namespace

const FamilyRules& congruence_rules() {
  static const Rules rules;
  return rules;
}

}  // namespace theorems
