#include "theorems/spoiling.h"

#include <algorithm>

namespace theorems {
namespace {

Integer changed_digit(Integer value, Random& random) {
  std::string digits = to_text(value < 0 ? -value : value);
  char& digit = digits[std::size_t(random.below(int64_t(digits.size())))];
  digit = char('0' + (digit - '0' + int(random.between(1, 9))) % 10);
  const Integer changed = read_integer(digits).value_or(0);
  return value < 0 ? -changed : changed;
}

}  // namespace

int draw_error_count(Random& random) {
  const int64_t percent = random.below(100);
  return percent < 60 ? 1 : percent < 90 ? 2 : 3;
}

Integer changed_number(Integer value, Integer step, Random& random) {
  const Integer sign = random.chance(0.5) ? 1 : -1;
  const int64_t way = random.below(10);
  Integer changed = value;
  if (way < 4) changed = changed_digit(value, random);
  if (way >= 4 && way < 7) changed = value + sign;
  if (way == 7) changed = value + sign * 10;
  if (way > 7) changed = value + sign * step;
  if (changed == value || (changed < 0 && value >= 0)) changed = value + (step > 0 ? step : 1);
  return changed;
}

void renew_text(Line& line) { line.text = line_text(line); }

void remove_line(Proof& proof, std::size_t place) {
  const int number = int(place) + 1;
  proof.lines.erase(proof.lines.begin() + std::ptrdiff_t(place));
  for (std::size_t i = 0; i < proof.lines.size(); ++i) {
    Line& line = proof.lines[i];
    line.number = int(i) + 1;
    std::erase(line.refs, number);
    for (int& ref : line.refs) ref -= ref > number ? 1 : 0;
    renew_text(line);
  }
}

std::string_view draw_kind(const std::vector<WeightedKind>& kinds, Random& random) {
  int total = 0;
  for (const auto& [kind, weight] : kinds) total += weight;
  int64_t drawn = random.below(total);
  for (const auto& [kind, weight] : kinds) {
    drawn -= weight;
    if (drawn < 0) return kind;
  }
  return kinds.back().kind;
}

bool drop_reference(Line& line, Random& random) {
  const bool named = !line.rule.empty();
  if (!named && line.refs.empty()) return false;
  if (named && (line.refs.empty() || random.chance(0.3))) {
    line.rule.clear();
  } else if (random.chance(0.2)) {
    line.refs.clear();
  } else {
    line.refs.erase(line.refs.begin() + random.below(int64_t(line.refs.size())));
  }
  renew_text(line);
  return true;
}

void cite_later(Line& line, Random& random) {
  const int later = line.number + int(random.below(2));
  if (line.refs.empty())
    line.refs.push_back(later);
  else
    line.refs[std::size_t(random.below(int64_t(line.refs.size())))] = later;
  renew_text(line);
}

}  // namespace theorems
