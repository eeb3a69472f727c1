#include "theorems/congruence_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "theorems/arithmetic_steps.h"
#include "theorems/check_value.h"
#include "theorems/congruence_steps.h"
#include "theorems/needed.h"

namespace theorems {
namespace {

using Kind = CongruenceStep::Kind;

// What a line gives to those after it, whether or not it is right.
struct Fact {
  bool usable = false;  // it has a remainder that may be added
  Integer remainder = 0;
  std::vector<int> terms;       // how often each of the claim's terms is in it, by place
  std::optional<Integer> base;  // of a square: what is squared
  bool added = false;           // a later line has taken it up
};

// A term that a sum has so often is asked by no claim; lines that add themselves to themselves end
// here instead of running over.
constexpr int kTooOften = int(kCongruenceTermsMax) + 1;

class Checker {
 public:
  Checker(const CongruenceClaim& claim, const Proof& proof) : claim_(claim), proof_(proof) {
    for (const Operation& term : claim.terms) ++wanted_[place_of(name_of(term))];
  }

  std::vector<LineReport> run() {
    for (const Line& line : proof_.lines) {
      facts_.push_back({.usable = false, .remainder = 0, .terms = nothing(), .base = {}});
      uses_.emplace_back();
      LineReport report;
      try {
        report = check_line(line);
      } catch (const TooLarge& error) {
        report = wrong(Defect::Unreadable, error.what());
      }
      inherit(report);
      reports_.push_back(std::move(report));
    }
    finish();
    return std::move(reports_);
  }

 private:
  std::vector<int> nothing() const { return std::vector<int>(claim_.terms.size(), 0); }

  // Terms of one name share the place of the first of them; a name that is none of them: -1.
  int find_place(const std::string& name) const {
    for (std::size_t i = 0; i < claim_.terms.size(); ++i)
      if (name_of(claim_.terms[i]) == name) return int(i);
    return -1;
  }
  std::size_t place_of(const std::string& name) { return std::size_t(find_place(name)); }

  bool is_earlier(int ref) const { return ref < int(facts_.size()); }
  Fact& fact(int number) { return facts_[std::size_t(number - 1)]; }
  int here() const { return int(facts_.size()); }

  // A line that is right in itself depends on those it uses.
  void inherit(LineReport& report) {
    if (report.status != Status::Ok) return;
    for (const int ref : uses_.back()) {
      const Status status = reports_[std::size_t(ref - 1)].status;
      if (status == Status::Wrong || status == Status::Depends) report.because.push_back(ref);
    }
    std::ranges::sort(report.because);
    report.because.erase(std::unique(report.because.begin(), report.because.end()),
                         report.because.end());
    if (!report.because.empty()) report.status = Status::Depends;
  }

  LineReport check_line(const Line& line) {
    const auto step = read_step(line);
    if (!step) return wrong(Defect::Unreadable, "unreadable");
    if (step->kind == Kind::Goal) return check_goal(*step);
    facts_.back().usable = true;
    facts_.back().remainder = step->remainder();
    if (step->kind == Kind::Addition) return check_addition(*step);
    const int place = find_place(name_of(step->left));
    if (step->kind == Kind::Multiplication && (place < 0 || step->rule == "mul"))
      return check_multiplication(*step);
    return check_calculation(*step, place);
  }

  LineReport check_calculation(const CongruenceStep& step, int place) {
    const Operation& left = step.left;
    const bool square =
        is_power(left, 2) || (left.operators == "*" && left.numbers[0] == left.numbers[1]);
    if (square) facts_.back().base = left.numbers[0];
    const bool helps = square && find_place(to_text(left.numbers[0]) + "^3") >= 0;
    if (place < 0 && !helps) return wrong(Defect::Operand, to_text(left) + " none");
    // A square on the way to a cube is no term of the sum: added, it would prove what is false.
    if (place < 0) facts_.back().usable = false;
    if (place >= 0) facts_.back().terms[std::size_t(place)] = 1;
    LineReport report = check_value(step, claim_.modulus, "", steps_of(left));
    if (report.working.empty()) report.working = to_text(left);
    if (step.rule != "calc" || !step.refs.empty()) {
      CongruenceStep right = step;
      right.rule = "calc";
      right.refs.clear();
      make_gap(report, Defect::Reference, body_with_rule(right));
    }
    return report;
  }

  // "16*13 = 208 = 12*17+4 [mul 1]": line 1 is a square with remainder 16 of what 13 is the base
  // of.
  LineReport check_multiplication(const CongruenceStep& step) {
    const int ref = step.refs.front();
    if (!is_earlier(ref)) return wrong(Defect::Order, fmt::format("{} later", ref));
    const Fact& square = fact(ref);
    if (!square.base) return wrong(Defect::Rule, fmt::format("{} no square", ref));
    uses_.back() = {ref};
    const Integer base = *square.base;
    const std::string prefix =
        fmt::format("{}:{}*{}", ref, to_text(square.remainder), to_text(base));
    const int place = find_place(to_text(base) + "^3");
    if (place >= 0) facts_.back().terms[std::size_t(place)] = 1;
    if (place < 0 || step.left.numbers[0] != square.remainder || step.left.numbers[1] != base) {
      LineReport report = wrong(Defect::Operand, prefix + " not " + to_text(step.left));
      report.remedy = body_with_rule(
          calculated(Kind::Multiplication, {{square.remainder, base}, "*"}, claim_.modulus, {ref}));
      return report;
    }
    LineReport report = check_value(step, claim_.modulus, prefix, steps_of(step.left));
    if (step.rule != "mul" || step.refs.size() != 1)
      make_gap(report, Defect::Reference,
               body_with_rule(calculated(Kind::Multiplication, step.left, claim_.modulus, {ref})));
    return report;
  }

  bool fits(int ref, Integer remainder) {
    return is_earlier(ref) && ref >= 1 && fact(ref).usable && fact(ref).remainder == remainder;
  }

  // Earlier lines with these remainders that nobody has taken up; nothing if there are none.
  std::vector<int> find_operands(const Operation& left) {
    std::vector<int> found;
    for (const Integer operand : left.numbers)
      for (int ref = 1; ref < here(); ++ref)
        if (fits(ref, operand) && !fact(ref).added &&
            std::ranges::find(found, ref) == found.end()) {
          found.push_back(ref);
          break;
        }
    if (found.size() != left.numbers.size()) found.clear();
    return found;
  }

  LineReport check_addition(const CongruenceStep& step) {
    const std::vector<int>& refs = step.refs;
    for (const int ref : refs)
      if (!is_earlier(ref)) return wrong(Defect::Order, fmt::format("{} later", ref));
    const bool cited = refs.size() == 2 && fits(refs[0], step.left.numbers[0]) &&
                       fits(refs[1], step.left.numbers[1]);
    const std::vector<int> used = cited ? refs : find_operands(step.left);
    std::string prefix;
    for (const int ref : refs)
      prefix += (prefix.empty() ? "" : " ") + std::to_string(ref) + ":" +
                (fact(ref).usable ? to_text(fact(ref).remainder) : "none");
    if (used.empty()) return wrong_operands(step, prefix);
    if (!cited) prefix += (prefix.empty() ? "" : " ") + std::string("not ") + to_text(step.left);
    take_up(used);
    LineReport report = check_value(step, claim_.modulus, prefix,
                                    sum_step(step.left.numbers[0], step.left.numbers[1]));
    if (!cited || step.rule != "add")
      make_gap(report, Defect::Reference,
               body_with_rule(calculated(Kind::Addition, step.left, claim_.modulus, used)));
    return report;
  }

  void take_up(const std::vector<int>& used) {
    uses_.back() = used;
    for (const int ref : used) {
      fact(ref).added = true;
      for (std::size_t i = 0; i < claim_.terms.size(); ++i)
        facts_.back().terms[i] = std::min(facts_.back().terms[i] + fact(ref).terms[i], kTooOften);
    }
  }

  LineReport wrong_operands(const CongruenceStep& step, const std::string& prefix) {
    LineReport report =
        wrong(Defect::Operand, prefix + (prefix.empty() ? "" : " ") + "not " + to_text(step.left));
    const std::vector<int>& refs = step.refs;
    if (refs.size() != 2 || !fact(refs[0]).usable || !fact(refs[1]).usable) return report;
    take_up(refs);
    report.remedy = body_with_rule(
        calculated(Kind::Addition, {{fact(refs[0]).remainder, fact(refs[1]).remainder}, "+"},
                   claim_.modulus, refs));
    return report;
  }

  bool is_whole(const Fact& found) const {
    for (std::size_t i = 0; i < found.terms.size(); ++i) {
      const auto wanted = wanted_.find(i);
      if (found.terms[i] != (wanted == wanted_.end() ? 0 : wanted->second)) return false;
    }
    return true;
  }

  // The claim's terms, each with the line that calculates it, if it has come into `total`.
  std::string count_off(const Fact& total) {
    std::string text;
    for (std::size_t i = 0; i < claim_.terms.size(); ++i) {
      const std::string name = to_text(claim_.terms[i]);
      const auto place = std::size_t(find_place(name_of(claim_.terms[i])));
      int line = 0;
      for (int ref = 1; ref < here() && line == 0 && total.terms[place] > 0; ++ref)
        if (fact(ref).terms[place] == 1 && uses_[std::size_t(ref - 1)].size() < 2) line = ref;
      text += (text.empty() ? "" : " ") + name + ":" + (line > 0 ? std::to_string(line) : "none");
    }
    return text;
  }

  LineReport check_goal(const CongruenceStep& step) {
    std::optional<int> ref;
    if (step.refs.size() == 1) ref = step.refs[0];
    if (ref && !is_earlier(*ref)) return wrong(Defect::Order, fmt::format("{} later", *ref));
    if (!ref || !fact(*ref).usable || !is_whole(fact(*ref))) return check_uncited_goal(ref);
    uses_.back() = {*ref};
    return compare(*ref, step.rule.empty() ? Status::Ok : Status::Gap);
  }

  // The goal cites no line, or one that is not the whole sum: another one may be.
  LineReport check_uncited_goal(std::optional<int> cited) {
    for (int ref = here() - 1; ref >= 1; --ref)
      if (fact(ref).usable && is_whole(fact(ref))) {
        uses_.back() = {ref};
        return compare(ref, Status::Gap);
      }
    if (!cited || !fact(*cited).usable) return wrong(Defect::Missing, "none");
    uses_.back() = {*cited};
    return wrong(Defect::Missing, count_off(fact(*cited)));
  }

  LineReport compare(int ref, Status if_equal) {
    const Integer found = fact(ref).remainder;
    const bool equal = (found - claim_.residue) % claim_.modulus == 0;
    LineReport report;
    report.working = fmt::format("{}; {}:{}{}", count_off(fact(ref)), ref, to_text(found),
                                 equal ? "=" : " not ") +
                     to_text(claim_.residue);
    if (!equal) {
      report.status = Status::Wrong;
      report.defect = Defect::Forced;
    } else if (if_equal == Status::Gap) {
      make_gap(report, Defect::Reference, fmt::format("goal [{}]", ref));
    }
    goal_ = here();
    return report;
  }

  // Without a line for the goal, the last one bears what is said about the whole.
  void finish() {
    if (proof_.lines.empty()) return;
    bool asserted = false;
    for (const Line& line : proof_.lines) asserted = asserted || line.body == "goal";
    int root = goal_;
    if (!asserted) root = add_missing_goal();
    if (root == 0) {  // a goal that failed: the last one
      for (const Line& line : proof_.lines)
        if (line.body == "goal") root = line.number;
    }
    mark_needed(reports_, uses_, root);
  }

  int add_missing_goal() {
    LineReport& last = reports_.back();
    for (int ref = here(); ref >= 1; --ref) {
      const Fact& total = fact(ref);
      if (!total.usable || !is_whole(total)) continue;
      const bool equal = (total.remainder - claim_.residue) % claim_.modulus == 0;
      last.working += fmt::format("; {}:{}{}{}", ref, to_text(total.remainder),
                                  equal ? "=" : " not ", to_text(claim_.residue));
      if (!equal && last.status != Status::Wrong) {
        last.status = Status::Wrong;
        last.defect = Defect::Missing;
      }
      if (last.status == Status::Ok || last.status == Status::Depends)
        make_gap_of(last, fmt::format("goal [{}]", ref));
      return ref == here() || last.status == Status::Wrong ? here() : ref;
    }
    last.working += "; none";
    last.status = Status::Wrong;
    last.defect = Defect::Missing;
    last.because.clear();
    return here();
  }

  static void make_gap_of(LineReport& report, std::string remedy) {
    report.status = Status::Gap;
    report.because.clear();
    report.defect = Defect::NoGoal;
    report.remedy = std::move(remedy);
  }

  const CongruenceClaim& claim_;
  const Proof& proof_;
  std::map<std::size_t, int> wanted_;  // how often each place is asked
  std::vector<Fact> facts_;
  std::vector<std::vector<int>> uses_;  // the lines that each line really uses
  std::vector<LineReport> reports_;
  int goal_ = 0;
};

}  // namespace

std::vector<LineReport> check_congruence(const CongruenceClaim& claim, const Proof& proof) {
  return Checker(claim, proof).run();
}

}  // namespace theorems
