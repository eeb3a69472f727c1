#include "theorems/congruence_steps.h"

#include <utility>

namespace theorems {
namespace {

using Kind = CongruenceStep::Kind;

std::string_view rule_of(Kind kind) {
  switch (kind) {
    case Kind::Calculation:
      return "calc";
    case Kind::Multiplication:
      return "mul";
    case Kind::Addition:
      return "add";
    case Kind::Goal:
      return "";
  }
  return "";
}

Kind kind_of(const Operation& left, const Line& line) {
  if (left.operators == "+") return Kind::Addition;
  return left.operators == "*" && !line.refs.empty() ? Kind::Multiplication : Kind::Calculation;
}

}  // namespace

std::optional<CongruenceStep> read_step(const Line& line) {
  CongruenceStep step;
  step.rule = line.rule;
  step.refs = line.refs;
  if (line.body == "goal") {
    step.kind = Kind::Goal;
    return step;
  }
  auto chain = read_chain(line.body);
  if (!chain || chain->size() > 3) return std::nullopt;
  step.left = std::move(chain->front());
  if (step.left.operators.size() > 1) return std::nullopt;
  step.kind = kind_of(step.left, line);
  step.certificate = as_certificate(chain->back());
  if (chain->size() == 3) {
    if (!(*chain)[1].is_number() || !step.certificate) return std::nullopt;
    step.value = (*chain)[1].numbers[0];
  } else if (!step.certificate) {
    if (!chain->back().is_number()) return std::nullopt;
    step.value = chain->back().numbers[0];
  }
  return step;
}

Line to_line(const CongruenceStep& step, int number) {
  Line line{.number = number, .rule = step.rule, .refs = step.refs};
  if (step.kind == Kind::Goal) {
    line.body = "goal";
  } else {
    line.body = to_text(step.left);
    if (step.value) line.body += " = " + to_text(*step.value);
    if (const auto& c = step.certificate)
      line.body +=
          " = " + to_text(c->quotient) + "*" + to_text(c->modulus) + "+" + to_text(c->remainder);
  }
  line.text = line_text(line);
  return line;
}

CongruenceStep calculated(Kind kind, Operation left, Integer modulus, std::vector<int> refs) {
  CongruenceStep step{.kind = kind,
                      .left = std::move(left),
                      .rule = std::string(rule_of(kind)),
                      .refs = std::move(refs)};
  const Integer exact = value(step.left);
  // Of a plain number the value is the number itself.
  if (!step.left.is_number()) step.value = exact;
  if (modulus > 0 && (exact >= modulus || step.left.is_number()))
    step.certificate = Certificate{exact / modulus, modulus, exact % modulus};
  return step;
}

}  // namespace theorems
