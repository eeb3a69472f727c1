#include "apps/domain.h"

#include <fmt/format.h>

#include <utility>

#include "apps/exit.h"
#include "apps/local.h"
#include "theorems/theorem.h"
#include "training/model_shape.h"

namespace apps {
namespace {

std::string spelt(const formats::Submission& row, const std::string& model, OutsideDomain outside) {
  auto read = theorems::read_statement(row.problem.statement);
  if (auto* statement = std::get_if<theorems::Statement>(&read)) return std::move(statement->text);
  if (outside == OutsideDomain::Ask) return row.problem.statement;
  const auto& known = std::get<theorems::NotKnown>(read);
  throw Exit(
      ExitCode::Usage,
      fmt::format("{}: {} knows five kinds of statements (congruences, witnesses, "
                  "divisibility for all n, sums by induction, propositional deduction), and "
                  "this is none of them: {}. The nearest form is \"{}\". A larger model takes "
                  "any statement: --base-url URL --model NAME; --anyway asks this one",
                  row.id, model, known.reason, known.nearest));
}

}  // namespace

Spelling choose_spelling(const Settings& settings, OutsideDomain outside) {
  const Spelling as_it_is = [](const formats::Submission& row) { return row.problem.statement; };
  const auto local = choose_local(settings);
  if (!local) return as_it_is;
  try {
    if (model::read_config(local->directory).prompt_family != training::kPromptFamily)
      return as_it_is;
  } catch (const model::Refused&) {
    return as_it_is;  // loading the model will say what is wrong with it
  }
  return [name = local->directory.string(), outside](const formats::Submission& row) {
    return spelt(row, name, outside);
  };
}

}  // namespace apps
