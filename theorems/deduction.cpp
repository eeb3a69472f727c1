#include "theorems/deduction.h"

#include <stdexcept>

#include "theorems/deduction_check.h"
#include "theorems/deduction_sample.h"
#include "theorems/deduction_spoil.h"

namespace theorems {
namespace {

DeductionStatement statement_of(std::string_view text) {
  auto read = read_deduction(text);
  if (auto* bad = std::get_if<NotOfFamily>(&read)) throw std::invalid_argument(bad->reason);
  return std::get<DeductionStatement>(std::move(read));
}

class Deduction final : public FamilyRules {
 public:
  std::variant<std::string, NotOfFamily> read(std::string_view ascii) const override {
    auto read = read_deduction(ascii);
    if (auto* bad = std::get_if<NotOfFamily>(&read)) return std::move(*bad);
    return to_text(std::get<DeductionStatement>(read));
  }

  std::string sample(int level, Random& random) const override {
    return to_text(sample_deduction(level, random));
  }

  std::string canonical(std::string_view statement) const override {
    return canonical_text(statement_of(statement));
  }

  std::optional<Proof> prove(std::string_view statement, Random& random) const override {
    DeductionStatement read = statement_of(statement);
    const auto lines = derive(read, random);
    if (!lines) return std::nullopt;
    return to_proof(read.formulas, *lines);
  }

  std::vector<LineReport> check(std::string_view statement, const Proof& proof) const override {
    return check_deduction(statement_of(statement), proof);
  }

  Spoilt spoil(std::string_view statement, const Proof& proof, Random& random) const override {
    return spoil_deduction(statement_of(statement), proof, random);
  }

  std::string to_tex(std::string_view statement) const override {
    return theorems::to_tex(statement_of(statement));
  }
};

}  // namespace

const FamilyRules& deduction_rules() {
  static const Deduction kRules;
  return kRules;
}

}  // namespace theorems
