#include "theorems/divisibility_check.h"

#include "theorems/goal_rule.h"
#include "theorems/needed.h"
#include "theorems/working.h"

namespace theorems {
namespace {

constexpr std::string_view kCase = "case";
constexpr std::string_view kGoalRule = "cases";

std::string case_text(const CaseLine& line) { return to_text(line) + " [case]"; }

class CaseCheck {
 public:
  CaseCheck(const DivisibilityClaim& claim, const CaseLine& line)
      : claim_(claim), line_(line), right_(right_case(claim, line.residue)) {}

  LineReport run() {
    check_values();
    working_.next_group();
    check_sum();
    working_.next_group();
    const bool certified = check_certificate();
    LineReport report{.working = working_.text()};
    judge(certified, report);
    if (report.status == Status::Ok) return report;
    if (right_.certificate) report.remedy = case_text(right_);
    if (!certified) report.repair = signed_division(*right_.sum, claim_.modulus);
    return report;
  }

 private:
  void check_values() {
    const bool comparable = line_.values && line_.values->size() == claim_.terms.size();
    add_powers();
    for (std::size_t i = 0; i < claim_.terms.size(); ++i) {
      const auto& [coefficient, degree] = claim_.terms[i];
      const Integer right = (*right_.values)[i];
      const bool known = degree == 0 || line_.residue < 2 || coefficient == 1;
      if (!known) working_.add(signed_product(coefficient, power(line_.residue, degree)));
      if (!comparable || (*line_.values)[i] == right) continue;
      ++wrong_numbers_;
      if (known) working_.add(to_text(right));
      working_.differs(to_text((*line_.values)[i]));
    }
    if (!line_.values) {
      omitted_ = true;
      if (working_.group_is_empty())
        for (const Integer value : *right_.values) working_.add(to_text(value));
      working_.none();
    } else if (line_.values->size() != claim_.terms.size()) {
      misshapen_ = line_.values->size() < claim_.terms.size() ? Defect::Missing : Defect::Value;
      working_.add(std::to_string(claim_.terms.size()));
      working_.differs(std::to_string(line_.values->size()));
    } else if (claim_.terms.size() == 1 && working_.group_is_empty()) {
      working_.add(to_text(*right_.sum));
    }
  }

  void add_powers() {
    if (line_.residue < 2) return;
    int degree = 0;
    for (const Term& term : claim_.terms) degree = std::max(degree, term.degree);
    for (int d = 2; d <= degree; ++d)
      working_.add(signed_product(power(line_.residue, d - 1), line_.residue));
  }

  void check_sum() {
    const std::vector<Integer>& values = *right_.values;
    Integer sum = values[0];
    for (std::size_t i = 1; i < values.size(); ++i) {
      working_.add(signed_sum(sum, values[i]));
      sum = add(sum, values[i]);
    }
    for (const std::vector<Integer>& partial : line_.partial_sums) check_partial_sum(partial, sum);
    if (!line_.sum) {
      omitted_ = true;
      working_.none();
      return;
    }
    if (*line_.sum == sum) return;
    // Of one term, value and sum may be the same number.
    if (!(values.size() == 1 && line_.values && line_.values->front() == *line_.sum)) {
      ++wrong_numbers_;
      if (values.size() == 1) working_.add(to_text(sum));
      working_.differs(to_text(*line_.sum));
    }
  }

  // Its numbers must give the sum; which of the values it has added up is free.
  void check_partial_sum(const std::vector<Integer>& partial, Integer sum) {
    Integer found = 0;
    for (const Integer number : partial) found = add(found, number);
    if (found == sum) return;
    ++wrong_numbers_;
    working_.differs(joined(partial));
  }

  bool check_certificate() {
    if (!line_.certificate) {
      omitted_ = true;
      working_.add(signed_division(*right_.sum, claim_.modulus));
      working_.none();
      return line_.sum && wrong_numbers_ == 0 && right_.certificate;
    }
    const auto& [quotient, modulus] = *line_.certificate;
    if (modulus != claim_.modulus) {
      other_ = true;
      working_.add(to_text(claim_.modulus));
      working_.differs(to_text(modulus));
      return false;
    }
    working_.add(signed_product(quotient, modulus));
    const bool equal = multiply(quotient, modulus) == *right_.sum;
    if (!equal) working_.differs(to_text(*right_.sum));
    return equal;
  }

  void judge(bool certified, LineReport& report) const {
    report.status = Status::Wrong;
    if (misshapen_ != Defect::None) {
      report.defect = misshapen_;
    } else if (other_) {
      report.defect = Defect::Other;
    } else if (!certified || wrong_numbers_ > 1) {
      report.defect = Defect::Value;
    } else if (wrong_numbers_ == 1) {
      report.status = Status::Gap;
      report.defect = Defect::Slip;
    } else if (omitted_) {
      report.status = Status::Gap;
      report.defect = Defect::NoIntermediate;
    } else {
      report.status = Status::Ok;
    }
  }

  const DivisibilityClaim& claim_;
  const CaseLine& line_;
  const CaseLine right_;
  Working working_;
  int wrong_numbers_ = 0;
  bool omitted_ = false;
  bool other_ = false;  // another modulus
  Defect misshapen_ = Defect::None;
};

class Checker {
 public:
  Checker(const DivisibilityClaim& claim, const Proof& proof) : claim_(claim), proof_(proof) {
    parts_.rule = kGoalRule;
    parts_.count = int(claim.modulus);
  }

  std::vector<LineReport> run() {
    int goal = 0;
    for (const Line& line : proof_.lines) {
      uses_.emplace_back();
      parts_.lines.push_back(-1);
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
  LineReport check_line(const Line& line) {
    try {
      const auto read = read_case(line.body, claim_.terms.size());
      if (!read) return unreadable("unreadable");
      if (read->residue < claim_.modulus) parts_.lines.back() = int(read->residue);
      LineReport report = CaseCheck(claim_, *read).run();
      if (report.status == Status::Ok && (line.rule != kCase || !line.refs.empty())) {
        report.status = Status::Gap;
        report.defect = Defect::Reference;
        report.remedy = case_text(*read);
      }
      return report;
    } catch (const TooLarge& error) {
      return unreadable(error.what());
    }
  }

  static LineReport unreadable(std::string working) {
    return {.status = Status::Wrong, .defect = Defect::Unreadable, .working = std::move(working)};
  }

  LineReport check_goal(const Line& line) {
    const GoalReading reading = read_goal(line, parts_);
    LineReport report{
        .status = reading.status, .defect = reading.defect, .working = count_off(line, reading)};
    for (const int chosen : reading.chosen)
      if (chosen != 0) uses_.back().push_back(chosen);
    if (reading.absent.empty()) {
      if (report.status != Status::Ok) report.remedy = goal_text(kGoalRule, reading.chosen);
    } else {
      const CaseLine right = right_case(claim_, reading.absent.front());
      if (right.certificate) report.remedy = case_text(right);
    }
    inherit(report, uses_.back(), reports_);
    return report;
  }

  // "0 1 2 4; 5; 3 none": the residues cited, those found elsewhere, those without a line.
  std::string count_off(const Line& line, const GoalReading& reading) const {
    Working working;
    for (const int ref : line.refs) {
      if (ref >= line.number) continue;
      const int part = parts_.lines[std::size_t(ref - 1)];
      working.add(part < 0 ? "none" : std::to_string(part));
    }
    working.next_group();
    for (const int part : reading.found) working.add(std::to_string(part));
    working.next_group();
    for (const int part : reading.absent) working.add(std::to_string(part));
    if (!reading.absent.empty()) working.none();
    working.next_group();
    if (reading.later != 0) working.add(std::to_string(reading.later) + " later");
    return working.text();
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
    if (whole.status == Status::Wrong) whole.defect = Defect::Missing;
    bear_absent_goal(reports_.back(), whole, goal_text(kGoalRule, used));
    return number;
  }

  const DivisibilityClaim& claim_;
  const Proof& proof_;
  PartsOfGoal parts_;
  std::vector<std::vector<int>> uses_;
  std::vector<LineReport> reports_;
};

}  // namespace

std::vector<LineReport> check_divisibility(const DivisibilityClaim& claim, const Proof& proof) {
  return Checker(claim, proof).run();
}

}  // namespace theorems
