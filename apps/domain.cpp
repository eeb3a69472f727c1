#include "apps/domain.h"

#include <fmt/format.h>

#include <utility>

#include "apps/exit.h"
#include "apps/role_models.h"
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
  for (const LocalChoice& local : distinct(choose_roles(settings))) {
    try {
      if (model::read_config(local.directory).prompt_family != training::kPromptFamily) continue;
    } catch (const model::Refused&) {
      continue;  // loading the model will say what is wrong with it
    }
    return [name = local.directory.string(), outside](const formats::Submission& row) {
      return spelt(row, name, outside);
    };
  }
  return [](const formats::Submission& row) { return row.problem.statement; };
}

}  // namespace apps
