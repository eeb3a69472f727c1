#include "theorems/induction.h"

#include "theorems/induction_check.h"
#include "theorems/induction_lines.h"
#include "theorems/induction_spoil.h"
#include "theorems/spoiling.h"

namespace theorems {
namespace {

using Part = InductionPart;

bool is_true(const InductionClaim& claim) {
  const Polynomial summand = polynomial_of(scaled(claim.factor, claim.summand));
  const Polynomial closed = polynomial_of(claim.closed);
  return value_at(summand, 1) == value_at(closed, 1) &&
         add(closed, shifted(summand)) == shifted(closed);
}

void append(Proof& proof, std::string body, std::string_view rule, std::vector<int> refs) {
  Line line{.number = int(proof.lines.size()) + 1,
            .body = std::move(body),
            .rule = std::string(rule),
            .refs = std::move(refs),
            .text = {}};
  renew_text(line);
  proof.lines.push_back(std::move(line));
}

class InductionRules final : public FamilyRules {
 public:
  std::variant<std::string, NotOfFamily> read(std::string_view ascii) const override {
    const auto claim = read_induction(ascii);
    if (const auto* no = std::get_if<NotOfFamily>(&claim)) return *no;
    return to_text(std::get<InductionClaim>(claim));
  }

  std::string sample(int level, Random& random) const override {
    return to_text(sample_induction(level, random));
  }

  std::string canonical(std::string_view statement) const override {
    InductionClaim claim = induction_claim(statement);
    claim.summand = sorted(std::move(claim.summand));
    claim.closed = sorted(std::move(claim.closed));
    return to_text(claim);
  }

  std::optional<Proof> prove(std::string_view statement, Random&) const override {
    const InductionClaim claim = induction_claim(statement);
    if (!is_true(claim)) return std::nullopt;
    Proof proof;
    append(proof, to_text(right_base(claim)), rule_of(Part::Base), {});
    const auto append_part = [&](Part part, std::vector<int> refs) {
      append(proof, to_text(part, right_collected(part, claim)), rule_of(part), std::move(refs));
    };
    append_part(Part::Next, {});
    append_part(Part::Step, {2});
    append_part(Part::Claim, {});
    append(proof, "goal", "ind", {1, 3, 4});
    return proof;
  }

  std::vector<LineReport> check(std::string_view statement, const Proof& proof) const override {
    return check_induction(induction_claim(statement), proof);
  }

  Spoilt spoil(std::string_view statement, const Proof& proof, Random& random) const override {
    return spoil_induction(induction_claim(statement), proof, random);
  }

  std::string to_tex(std::string_view statement) const override {
    const InductionClaim claim = induction_claim(statement);
    return "Prove: $" + (claim.factor == 1 ? "" : to_text(claim.factor) + " \\cdot ") +
           "\\sum_{i=1}^{n} (" + tex_text(claim.summand, 'i') +
           ") = " + tex_text(claim.closed, 'n') + "$ for all $n \\ge 1$";
  }
};

}  // namespace

const FamilyRules& induction_rules() {
  static const InductionRules kRules;
  return kRules;
}

}  // namespace theorems
