#include "theorems/divisibility.h"

#include "theorems/divisibility_check.h"
#include "theorems/divisibility_claim.h"
#include "theorems/divisibility_spoil.h"
#include "theorems/spoiling.h"

namespace theorems {
namespace {

class DivisibilityRules final : public FamilyRules {
 public:
  std::variant<std::string, NotOfFamily> read(std::string_view ascii) const override {
    const auto claim = read_divisibility(ascii);
    if (const auto* no = std::get_if<NotOfFamily>(&claim)) return *no;
    return to_text(std::get<DivisibilityClaim>(claim));
  }

  std::string sample(int level, Random& random) const override {
    return to_text(sample_divisibility(level, random));
  }

  std::string canonical(std::string_view statement) const override {
    DivisibilityClaim claim = divisibility_claim(statement);
    claim.terms = sorted(std::move(claim.terms));
    return to_text(claim);
  }

  std::optional<Proof> prove(std::string_view statement, Random&) const override {
    const DivisibilityClaim claim = divisibility_claim(statement);
    Proof proof;
    Line goal{
        .number = int(claim.modulus) + 1, .body = "goal", .rule = "cases", .refs = {}, .text = {}};
    for (int residue = 0; residue < int(claim.modulus); ++residue) {
      const CaseLine right = right_case(claim, residue);
      if (!right.certificate) return std::nullopt;
      Line line{
          .number = residue + 1, .body = to_text(right), .rule = "case", .refs = {}, .text = {}};
      renew_text(line);
      goal.refs.push_back(line.number);
      proof.lines.push_back(std::move(line));
    }
    renew_text(goal);
    proof.lines.push_back(std::move(goal));
    return proof;
  }

  std::vector<LineReport> check(std::string_view statement, const Proof& proof) const override {
    return check_divisibility(divisibility_claim(statement), proof);
  }

  Spoilt spoil(std::string_view statement, const Proof& proof, Random& random) const override {
    return spoil_divisibility(divisibility_claim(statement), proof, random);
  }

  std::string to_tex(std::string_view statement) const override {
    const DivisibilityClaim claim = divisibility_claim(statement);
    return "Prove: $" + to_text(claim.modulus) + " \\mid " + tex_text(claim.terms, 'n') +
           "$ for all $n$";
  }
};

}  // namespace

const FamilyRules& divisibility_rules() {
  static const DivisibilityRules kRules;
  return kRules;
}

}  // namespace theorems
