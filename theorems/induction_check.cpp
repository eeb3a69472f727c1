#include "theorems/induction_check.h"

#include "theorems/goal_rule.h"
#include "theorems/induction_judge.h"
#include "theorems/needed.h"
#include "theorems/working.h"

namespace theorems {
namespace {

using Part = InductionPart;
constexpr std::string_view kGoalRule = "ind";

// "2 5 3": the coefficients, the highest first.
std::string coefficients(const Polynomial& a) {
  std::string text;
  for (int d = a.degree(); d >= 0; --d)
    text += (text.empty() ? "" : " ") + to_text(a.coefficient(d));
  return text.empty() ? "0" : text;
}

class Checker {
 public:
  Checker(const InductionClaim& claim, const Proof& proof) : claim_(claim), proof_(proof) {
    goal_parts_.rule = kGoalRule;
    goal_parts_.count = kInductionGoalParts;
  }

  std::vector<LineReport> run() {
    int goal = 0;
    for (const Line& line : proof_.lines) {
      uses_.emplace_back();
      goal_parts_.lines.push_back(-1);
      next_.push_back(false);
      results_.emplace_back();
      if (line.body == "goal") {
        goal = line.number;
        reports_.push_back(check_goal(line));
      } else {
        reports_.push_back(check_line(line));
      }
    }
    if (goal == 0) goal = add_absent_goal();
    mark_needed(reports_, uses_, goal);
    return std::move(reports_);
  }

 private:
  static LineReport wrong(Defect defect, std::string working) {
    return {.status = Status::Wrong, .defect = defect, .working = std::move(working)};
  }

  LineReport check_line(const Line& line) {
    try {
      const auto part = part_of(line.body);
      if (part == Part::Base) return check_base(line);
      if (part == Part::Step) return check_step(line);
      if (part) return check_expansion(*part, line);
    } catch (const TooLarge& error) {
      return wrong(Defect::Unreadable, error.what());
    }
    return wrong(Defect::Unreadable, "unreadable");
  }

  LineReport check_base(const Line& line) {
    const auto read = read_base(line.body, claim_);
    if (!read) return wrong(Defect::Unreadable, "unreadable");
    goal_parts_.lines.back() = int(Part::Base);
    LineReport report = judge_base(claim_, *read);
    look_at_rule(Part::Base, line, report);
    return report;
  }

  LineReport check_expansion(Part part, const Line& line) {
    const Terms& terms = part == Part::Next ? claim_.summand : claim_.closed;
    const auto read = read_collected(line.body, terms.size());
    if (!read) return wrong(Defect::Unreadable, "unreadable");
    if (part == Part::Next)
      next_.back() = true;
    else
      goal_parts_.lines.back() = int(part);
    results_.back() = read->result;
    LineReport report = judge_expansion(part, claim_, *read);
    look_at_rule(part, line, report);
    return report;
  }

  void look_at_rule(Part part, const Line& line, LineReport& report) const {
    if (report.status != Status::Ok || (line.rule == rule_of(part) && line.refs.empty())) return;
    report.status = Status::Gap;
    report.defect = Defect::Reference;
    report.remedy = remedy_of(part, claim_, 0);
  }

  // The next line that a step uses: the one cited, else the last before it, else 0.
  int find_next(const Line& line) const {
    for (const int ref : line.refs)
      if (ref < line.number && next_[std::size_t(ref - 1)]) return ref;
    for (int number = line.number - 1; number >= 1; --number)
      if (next_[std::size_t(number - 1)]) return number;
    return 0;
  }

  LineReport check_step(const Line& line) {
    const auto read = read_collected(line.body, 2);
    if (!read) return wrong(Defect::Unreadable, "unreadable");
    goal_parts_.lines.back() = int(Part::Step);
    results_.back() = read->result;
    const int next = find_next(line);
    if (next != 0) uses_.back() = {next};
    const Polynomial operand =
        next != 0 ? results_[std::size_t(next - 1)] : right_collected(Part::Next, claim_).result;
    LineReport report = judge_step(claim_, operand, *read);
    if (next == 0) report.working = "next none; " + report.working;
    for (const int ref : line.refs) {
      if (ref < line.number) continue;
      report.status = Status::Wrong;
      report.defect = Defect::Order;
      report.working += "; " + std::to_string(ref) + " later";
      break;
    }
    inherit(report, uses_.back(), reports_);
    if (report.status == Status::Ok && next == 0) {
      report.status = Status::Gap;
      report.defect = Defect::Merged;
      report.remedy = remedy_of(Part::Next, claim_, 0);
      return report;
    }
    const bool cited = line.refs.size() == 1 && line.refs[0] == next;
    if (report.status == Status::Ok && (!cited || line.rule != rule_of(Part::Step))) {
      report.status = Status::Gap;
      report.defect = Defect::Reference;
    }
    if (report.status == Status::Gap || report.status == Status::Wrong)
      report.remedy = remedy_of(Part::Step, claim_, next);
    return report;
  }

  LineReport check_goal(const Line& line) {
    const GoalReading reading = read_goal(line, goal_parts_);
    LineReport report{.status = reading.status, .defect = reading.defect};
    for (const int chosen : reading.chosen)
      if (chosen != 0) uses_.back().push_back(chosen);
    Working working;
    name_parts(line, reading, working);
    if (!reading.absent.empty()) {
      report.remedy = remedy_for_absent(Part(reading.absent.front()));
    } else {
      if (report.status != Status::Ok) report.remedy = goal_text(kGoalRule, reading.chosen);
      if (!compare_results(reading, working) && report.defect != Defect::Order) {
        report.status = Status::Wrong;
        report.defect = Defect::Forced;
        report.remedy.clear();
      }
    }
    report.working = working.text();
    inherit(report, uses_.back(), reports_);
    return report;
  }

  // "base step claim": the lines cited, those found elsewhere, those that are not there.
  void name_parts(const Line& line, const GoalReading& reading, Working& working) const {
    const auto add_word = [&](Part part) { working.add(std::string(word_of(part))); };
    for (const int ref : line.refs) {
      if (ref >= line.number) continue;
      const int part = goal_parts_.lines[std::size_t(ref - 1)];
      if (part >= 0)
        add_word(Part(part));
      else
        working.none();
    }
    working.next_group();
    for (const int part : reading.found) add_word(Part(part));
    working.next_group();
    for (const int part : reading.absent) add_word(Part(part));
    if (!reading.absent.empty()) working.none();
    working.next_group();
    if (reading.later != 0) working.add(std::to_string(reading.later) + " later");
    working.next_group();
  }

  // "2 5 3 = 2 5 3": whether step and claim arrive at the same.
  bool compare_results(const GoalReading& reading, Working& working) const {
    const auto result = [&](Part part) -> const Polynomial& {
      return results_[std::size_t(reading.chosen[std::size_t(part)] - 1)];
    };
    const std::string step = coefficients(result(Part::Step));
    const std::string claim = coefficients(result(Part::Claim));
    working.add(step == claim ? step + " = " + claim : step);
    if (step != claim) working.differs(claim);
    return step == claim;
  }

  std::string remedy_for_absent(Part part) const {
    int next = 0;
    for (std::size_t i = 0; part == Part::Step && i < next_.size(); ++i)
      if (next_[i]) next = int(i) + 1;
    return remedy_of(part, claim_, next);
  }

  // The last line bears what is said about the whole. Returns its number.
  int add_absent_goal() {
    const Line goal = absent_goal(proof_, kGoalRule);
    uses_.emplace_back();
    LineReport whole = check_goal(goal);
    const std::vector<int> used = std::move(uses_.back());
    uses_.pop_back();
    const int number = int(reports_.size());
    for (const int line : used)
      if (line != number) uses_.back().push_back(line);
    const bool complete = int(used.size()) == kInductionGoalParts;
    if (whole.status == Status::Wrong && !complete) whole.defect = Defect::Missing;
    bear_absent_goal(reports_.back(), whole, goal_text(kGoalRule, used));
    return number;
  }

  const InductionClaim& claim_;
  const Proof& proof_;
  PartsOfGoal goal_parts_;
  std::vector<bool> next_;           // whether the line is a next line
  std::vector<Polynomial> results_;  // of next, step and claim
  std::vector<std::vector<int>> uses_;
  std::vector<LineReport> reports_;
};

}  // namespace

std::vector<LineReport> check_induction(const InductionClaim& claim, const Proof& proof) {
  return Checker(claim, proof).run();
}

}  // namespace theorems
