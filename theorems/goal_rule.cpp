#include "theorems/goal_rule.h"

#include <algorithm>
#include <string>

namespace theorems {

GoalReading read_goal(const Line& goal, const PartsOfGoal& parts) {
  GoalReading reading;
  reading.chosen.assign(std::size_t(parts.count), 0);
  const int before = std::min(goal.number - 1, int(parts.lines.size()));
  bool useless = false;  // a reference that does nothing
  for (const int ref : goal.refs) {
    if (ref > before) {
      reading.later = ref;
      continue;
    }
    const int part = parts.lines[std::size_t(ref - 1)];
    if (part < 0 || reading.chosen[std::size_t(part)] != 0)
      useless = true;
    else
      reading.chosen[std::size_t(part)] = ref;
  }
  const bool cited = std::ranges::any_of(reading.chosen, [](int line) { return line != 0; });
  std::vector<int> last(std::size_t(parts.count), 0);
  for (int line = 1; line <= before; ++line)
    if (const int part = parts.lines[std::size_t(line - 1)]; part >= 0)
      last[std::size_t(part)] = line;
  for (int part = 0; part < parts.count; ++part) {
    int& chosen = reading.chosen[std::size_t(part)];
    if (chosen != 0) continue;
    chosen = last[std::size_t(part)];
    (chosen != 0 ? reading.found : reading.absent).push_back(part);
  }
  if (reading.later != 0) {
    reading.status = Status::Wrong;
    reading.defect = Defect::Order;
  } else if (!reading.absent.empty()) {
    reading.status = Status::Wrong;
    reading.defect = cited ? Defect::Missing : Defect::Forced;
  } else if (useless || !reading.found.empty() || goal.rule != parts.rule) {
    reading.status = Status::Gap;
    reading.defect = Defect::Reference;
  }
  return reading;
}

Line absent_goal(const Proof& proof, std::string_view rule) {
  return {.number = int(proof.lines.size()) + 1,
          .body = "goal",
          .rule = std::string(rule),
          .refs = {},
          .text = {}};
}

std::string goal_text(std::string_view rule, const std::vector<int>& chosen) {
  std::vector<int> lines = chosen;
  std::ranges::sort(lines);
  std::string text = "goal [" + std::string(rule);
  for (const int line : lines) text += " " + std::to_string(line);
  return text + "]";
}

void inherit(LineReport& report, const std::vector<int>& uses,
             const std::vector<LineReport>& reports) {
  if (report.status != Status::Ok) return;
  for (const int line : uses) {
    if (line == 0) continue;
    const Status status = reports[std::size_t(line - 1)].status;
    if (status == Status::Wrong || status == Status::Depends) report.because.push_back(line);
  }
  std::ranges::sort(report.because);
  report.because.erase(std::unique(report.because.begin(), report.because.end()),
                       report.because.end());
  if (!report.because.empty()) report.status = Status::Depends;
}

void bear_absent_goal(LineReport& last, const LineReport& whole, const std::string& right) {
  last.working += "; " + whole.working + "; no goal";
  if (whole.status == Status::Wrong && last.status != Status::Wrong) {
    last.status = Status::Wrong;
    last.defect = whole.defect;
    last.remedy = whole.remedy;
    last.because.clear();
  } else if (whole.status != Status::Wrong && last.status == Status::Ok) {
    last.status = Status::Gap;
    last.defect = Defect::NoGoal;
    last.remedy = right;
  }
}

}  // namespace theorems
