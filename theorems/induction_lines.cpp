#include "theorems/induction_lines.h"

#include <array>

namespace theorems {
namespace {

constexpr std::array<std::string_view, 4> kWords = {"base", "step", "claim", "next"};
constexpr std::array<std::string_view, 4> kRules = {"base", "hyp", "calc", "next"};
constexpr std::size_t kPartsMax = 3;

// The parts between the equals signs behind the colon; empty if there are too many.
std::vector<std::string> parts_of(std::string_view body) {
  const std::string text = without_blanks(body);
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.find(':') + 1, rest.size()));
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = rest.find('=');
    parts.emplace_back(rest.substr(0, end));
    if (parts.size() > kPartsMax) return {};
    if (end == std::string_view::npos) return parts;
    rest.remove_prefix(end + 1);
  }
}

std::optional<std::vector<Integer>> read_numbers(std::string_view text) {
  const auto sum = read_expression(text, 'k');
  if (!sum || sum->denominator != 1) return std::nullopt;
  std::vector<Integer> numbers;
  for (const Polynomial& summand : sum->summands) {
    if (summand.degree() > 0) return std::nullopt;
    numbers.push_back(summand.coefficient(0));
  }
  return numbers;
}

// A polynomial each of whose powers stands there once.
std::optional<Polynomial> read_collected_sum(std::string_view text) {
  const auto sum = read_expression(text, 'k');
  if (!sum || sum->denominator != 1) return std::nullopt;
  int terms = 0;
  for (const Polynomial& summand : sum->summands) {
    if (summand.terms() > 1) return std::nullopt;
    terms += summand.terms();
  }
  Polynomial total = sum_of(sum->summands);
  if (total.terms() != terms) return std::nullopt;
  return total;
}

std::string joined(const std::vector<Integer>& values) {
  std::string text;
  for (const Integer value : values)
    text += (value < 0 || text.empty() ? "" : "+") + to_text(value);
  return text;
}

std::string joined(const std::vector<Polynomial>& groups) {
  std::string text;
  for (const Polynomial& group : groups) {
    const bool minus = !group.coefficients.empty() && group.coefficients.back() < 0;
    const std::string inner = to_text(minus ? multiply(-1, group) : group, 'k');
    text += minus ? "-" : text.empty() ? "" : "+";
    text += group.terms() > 1 ? "(" + inner + ")" : inner;
  }
  return text;
}

// Operands as they stand in other lines: a minus stays within.
std::string joined_operands(const std::vector<Polynomial>& operands) {
  std::string text;
  for (const Polynomial& operand : operands) {
    const std::string inner = to_text(operand, 'k');
    if (!text.empty()) text += '+';
    text += operand.terms() > 1 || inner.starts_with('-') ? "(" + inner + ")" : inner;
  }
  return text;
}

std::vector<Integer> coefficients_of(const Terms& terms) {
  std::vector<Integer> values;
  for (const Term& term : terms) values.push_back(term.coefficient);
  return values;
}

}  // namespace

std::string_view word_of(InductionPart part) { return kWords[std::size_t(part)]; }
std::string_view rule_of(InductionPart part) { return kRules[std::size_t(part)]; }

std::optional<InductionPart> part_of(std::string_view body) {
  for (std::size_t i = 0; i < kWords.size(); ++i)
    if (body.starts_with(kWords[i]) && body.substr(kWords[i].size()).starts_with(':'))
      return InductionPart(i);
  return std::nullopt;
}

std::optional<BaseLine> read_base(std::string_view body, const InductionClaim& claim) {
  std::vector<std::vector<Integer>> numbers;
  for (const std::string& part : parts_of(body)) {
    auto read = read_numbers(part);
    if (!read) return std::nullopt;
    numbers.push_back(std::move(*read));
  }
  if (numbers.size() < 2) return std::nullopt;
  BaseLine line;
  const bool three = numbers.size() == 3;
  if (three && numbers[1].size() != 1) return std::nullopt;
  if (three) {
    line = {.left = numbers[0], .sum = numbers[1][0], .right = numbers[2]};
  } else if (numbers[0].size() == 1 && claim.summand.size() > 1) {
    line = {.left = {}, .sum = numbers[0][0], .right = numbers[1]};
  } else if (numbers[1].size() == 1 && claim.closed.size() > 1) {
    line = {.left = numbers[0], .sum = numbers[1][0], .right = {}};
  } else {
    line = {.left = numbers[0], .sum = {}, .right = numbers[1]};
  }
  return line;
}

std::optional<CollectedLine> read_collected(std::string_view body, std::size_t groups) {
  const std::vector<std::string> parts = parts_of(body);
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  auto result = read_collected_sum(parts.back());
  if (!result) return std::nullopt;
  CollectedLine line{.groups = {}, .result = std::move(*result)};
  if (parts.size() == 2) {
    auto left = read_expression(parts[0], 'k');
    if (!left || left->denominator != 1) return std::nullopt;
    line.groups = std::move(left->summands);
    if (groups == 1) line.groups = {sum_of(*line.groups)};
  } else if (groups == 1) {
    line.groups = {line.result};
  }
  return line;
}

std::string to_text(const BaseLine& line) {
  std::string text = "base:";
  std::string_view sign = " ";
  const auto append = [&](const std::string& part) {
    text += sign;
    text += part;
    sign = " = ";
  };
  const auto is_single = [](const auto& values) { return values && values->size() == 1; };
  if (line.left) append(joined(*line.left));
  const bool repeated = line.sum && ((is_single(line.left) && line.left->front() == *line.sum) ||
                                     (is_single(line.right) && line.right->front() == *line.sum));
  if (line.sum && !(repeated && line.left && line.right)) append(to_text(*line.sum));
  if (line.right) append(joined(*line.right));
  return text;
}

std::string to_text(InductionPart part, const CollectedLine& line) {
  std::string text = std::string(word_of(part)) + ": ";
  const bool single =
      line.groups && line.groups->size() == 1 && line.groups->front() == line.result;
  if (line.groups && part == InductionPart::Step)
    text += joined_operands(*line.groups) + " = ";
  else if (line.groups && !single)
    text += joined(*line.groups) + " = ";
  return text + to_text(line.result, 'k');
}

BaseLine right_base(const InductionClaim& claim) {
  BaseLine line{.left = coefficients_of(scaled(claim.factor, claim.summand)),
                .sum = 0,
                .right = coefficients_of(claim.closed)};
  for (const Integer value : *line.left) line.sum = add(*line.sum, value);
  return line;
}

std::vector<Polynomial> groups_at_next(const Terms& terms) {
  std::vector<Polynomial> groups;
  for (const auto& [coefficient, degree] : terms)
    groups.push_back(shifted(monomial(coefficient, degree)));
  return groups;
}

CollectedLine right_collected(InductionPart part, const InductionClaim& claim) {
  CollectedLine line;
  const Terms summand = scaled(claim.factor, claim.summand);
  if (part == InductionPart::Next) line.groups = groups_at_next(summand);
  if (part == InductionPart::Claim) line.groups = groups_at_next(claim.closed);
  if (part == InductionPart::Step)
    line.groups = {polynomial_of(claim.closed), shifted(polynomial_of(summand))};
  line.result = sum_of(*line.groups);
  return line;
}

}  // namespace theorems
