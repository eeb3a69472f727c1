#include "theorems/report.h"

#include <algorithm>

namespace theorems {

std::string_view to_text(Status status) {
  constexpr std::string_view kTexts[] = {"ok", "gap", "wrong", "depends"};
  return kTexts[int(status)];
}

std::string_view to_text(Defect defect) {
  constexpr std::string_view kTexts[] = {
      "none", "intermediate", "reference", "slip",  "merged", "no goal", "value",     "operand",
      "rule", "missing",      "forced",    "order", "other",  "witness", "unreadable"};
  return kTexts[int(defect)];
}

int halves_of(const std::vector<LineReport>& lines) {
  if (lines.empty()) return 0;
  const auto fatal = [](const LineReport& line) {
    return line.needed && line.status == Status::Wrong;
  };
  const auto flawed = [](const LineReport& line) {
    return line.status == Status::Wrong || line.status == Status::Gap;
  };
  if (std::ranges::any_of(lines, fatal)) return 0;
  return std::ranges::any_of(lines, flawed) ? 1 : 2;
}

}  // namespace theorems
