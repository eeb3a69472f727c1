#include "theorems/divisibility_claim.h"

#include <algorithm>
#include <stdexcept>

namespace theorems {
namespace {

constexpr Integer kResidueMax = 9999;

std::variant<DivisibilityClaim, NotOfFamily> read_claim(std::string text) {
  take_request(text);
  const auto variable = take_quantifier(text);
  if (!variable) return NotOfFamily{"it does not end in \"for all n\""};
  const std::size_t bar = text.find('|');
  if (bar == std::string::npos) return NotOfFamily{"there is no \"|\""};
  const auto modulus = read_integer(std::string_view(text).substr(0, bar));
  if (!modulus || *modulus < 2 || *modulus > kCasesMax)
    return NotOfFamily{"the divisor must be a number from 2 to " + to_text(kCasesMax)};
  const auto expression = read_expression(std::string_view(text).substr(bar + 1), *variable);
  if (!expression)
    return NotOfFamily{std::string("what is divided is no polynomial in ") + *variable};
  if (expression->denominator != 1) return NotOfFamily{"what is divided has fractions"};
  auto terms = terms_of(*expression);
  if (!terms)
    return NotOfFamily{"the degree may be " + std::to_string(kTermDegreeMax) +
                       " and the coefficients " + to_text(kCoefficientMax) + " at most"};
  return DivisibilityClaim{*modulus, std::move(*terms)};
}

// "8+10" as numbers.
std::optional<std::vector<Integer>> read_numbers(std::string_view text) {
  const auto sum = read_expression(text, 'n');
  if (!sum || sum->denominator != 1) return std::nullopt;
  std::vector<Integer> numbers;
  for (const Polynomial& summand : sum->summands) {
    if (summand.degree() > 0) return std::nullopt;
    numbers.push_back(summand.coefficient(0));
  }
  return numbers;
}

std::optional<CaseLine::Certificate> read_certificate(std::string_view text) {
  const std::size_t star = text.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  const auto quotient = read_integer(text.substr(0, star));
  const auto modulus = read_integer(text.substr(star + 1));
  if (!quotient || !modulus) return std::nullopt;
  return CaseLine::Certificate{*quotient, *modulus};
}

// `numbers` are the parts between the equals signs, without the certificate.
bool take_numbers(const std::vector<std::vector<Integer>>& numbers, std::size_t terms,
                  CaseLine& line) {
  if (numbers.empty()) return true;
  const bool only_sum = numbers.size() == 1 && numbers[0].size() == 1;
  if (!only_sum || terms == 1) line.values = numbers[0];
  if (only_sum) line.sum = numbers[0][0];
  if (numbers.size() < 2) return true;
  if (only_sum || numbers.back().size() != 1) return false;
  line.sum = numbers.back()[0];
  line.partial_sums.assign(numbers.begin() + 1, numbers.end() - 1);
  return std::ranges::all_of(line.partial_sums,
                             [](const auto& partial) { return partial.size() > 1; });
}

}  // namespace

std::variant<DivisibilityClaim, NotOfFamily> read_divisibility(std::string_view ascii) {
  try {
    return read_claim(without_blanks(ascii));
  } catch (const TooLarge& error) {
    return NotOfFamily{error.what()};
  }
}

DivisibilityClaim divisibility_claim(std::string_view statement) {
  auto claim = read_divisibility(statement);
  if (const auto* no = std::get_if<NotOfFamily>(&claim)) throw std::invalid_argument(no->reason);
  return std::get<DivisibilityClaim>(std::move(claim));
}

std::string to_text(const DivisibilityClaim& claim) {
  return "Prove: " + to_text(claim.modulus) + " | " + spaced_text(claim.terms, 'n') + " for all n";
}

std::optional<CaseLine> read_case(std::string_view body, std::size_t terms) {
  const std::string text = without_blanks(body);
  constexpr std::string_view kBegin = "casen=";
  const std::size_t colon = text.find(':');
  if (!text.starts_with(kBegin) || colon == std::string::npos) return std::nullopt;
  const auto residue =
      read_integer(std::string_view(text).substr(kBegin.size(), colon - kBegin.size()));
  if (!residue || *residue < 0 || *residue > kResidueMax) return std::nullopt;
  CaseLine line{.residue = *residue};
  std::vector<std::vector<Integer>> numbers;
  std::string_view rest = std::string_view(text).substr(colon + 1);
  while (true) {
    const std::size_t end = rest.find('=');
    const std::string_view part = rest.substr(0, end);
    if (end == std::string_view::npos) line.certificate = read_certificate(part);
    if (!line.certificate) {
      auto read = read_numbers(part);
      if (!read) return std::nullopt;
      numbers.push_back(std::move(*read));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (!take_numbers(numbers, terms, line)) return std::nullopt;
  return line;
}

std::string joined(const std::vector<Integer>& values) {
  std::string text;
  for (const Integer value : values)
    text += (value < 0 || text.empty() ? "" : "+") + to_text(value);
  return text;
}

std::string to_text(const CaseLine& line) {
  std::string text = "case n=" + to_text(line.residue) + ":";
  std::string_view sign = " ";
  const auto append = [&](const std::string& part) {
    text += sign;
    text += part;
    sign = " = ";
  };
  const bool single = line.values && line.values->size() == 1 && line.sum;
  if (line.values && !(single && line.values->front() == *line.sum)) append(joined(*line.values));
  for (const std::vector<Integer>& partial : line.partial_sums) append(joined(partial));
  if (line.sum) append(to_text(*line.sum));
  if (const auto& c = line.certificate) append(to_text(c->quotient) + "*" + to_text(c->modulus));
  return text;
}

std::vector<std::vector<Integer>> partial_sums(const std::vector<Integer>& values) {
  std::vector<std::vector<Integer>> partial;
  std::vector<Integer> rest = values;
  while (rest.size() > 2) {
    rest[1] = add(rest[0], rest[1]);
    rest.erase(rest.begin());
    partial.push_back(rest);
  }
  return partial;
}

CaseLine right_case(const DivisibilityClaim& claim, Integer residue) {
  CaseLine line{.residue = residue, .values = std::vector<Integer>{}, .sum = 0};
  for (const auto& [coefficient, degree] : claim.terms) {
    line.values->push_back(multiply(coefficient, power(residue, degree)));
    line.sum = add(*line.sum, line.values->back());
  }
  line.partial_sums = partial_sums(*line.values);
  const Division division = divide(*line.sum, claim.modulus);
  if (division.remainder == 0)
    line.certificate = CaseLine::Certificate{division.quotient, claim.modulus};
  return line;
}

}  // namespace theorems
