#include "theorems/witness_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "theorems/arithmetic_steps.h"
#include "theorems/check_value.h"
#include "theorems/needed.h"

namespace theorems {
namespace {

using Kind = WitnessClaim::Kind;
using Step = CongruenceStep;

std::string name_of_product(const Operation& product) { return name_of(product); }

// "take x = 27": the letter and the number.
struct Taken {
  char variable = 0;
  Integer value = 0;
};
std::optional<Taken> read_take(std::string_view body) {
  if (!body.starts_with("take ") || body.size() < 10 || body.substr(6, 3) != " = ")
    return std::nullopt;
  const auto value = read_integer(body.substr(9));
  if (!value) return std::nullopt;
  return Taken{body[5], *value};
}

class Checker {
 public:
  Checker(const WitnessClaim& claim, const Proof& proof) : claim_(claim), proof_(proof) {}

  std::vector<LineReport> run() {
    for (const Line& line : proof_.lines) {
      uses_.emplace_back();
      stated_.emplace_back();
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
  int here() const { return int(uses_.size()); }
  bool is_earlier(int ref) const { return ref < here(); }

  void inherit(LineReport& report) {
    if (report.status != Status::Ok) return;
    for (const int ref : uses_.back()) {
      const Status status = reports_[std::size_t(ref - 1)].status;
      if (status == Status::Wrong || status == Status::Depends) report.because.push_back(ref);
    }
    std::ranges::sort(report.because);
    if (!report.because.empty()) report.status = Status::Depends;
  }

  LineReport check_line(const Line& line) {
    if (line.body == "goal") return check_goal(line);
    if (line.body.starts_with("take ")) return check_take(line);
    if (line.body.find('-') != std::string::npos) return check_difference(line);
    const auto step = read_step(line);
    if (!step || step->kind == Step::Kind::Addition || step->left.is_number())
      return wrong(Defect::Unreadable, "unreadable");
    return check_product(line, *step);
  }

  LineReport check_take(const Line& line) {
    const auto taken = read_take(line.body);
    if (!taken) return wrong(Defect::Unreadable, "unreadable");
    const std::string variables = claim_.variables();
    const std::size_t place = variables.find(taken->variable);
    LineReport report;
    report.working = std::string(1, taken->variable) + "=" + to_text(taken->value);
    if (place == std::string::npos) return wrong(Defect::Other, report.working + " not asked");
    value_[place] = taken->value;
    taken_in_[place] = here();
    forget_products(place);
    if (claim_.kind == Kind::Factors) {
      const bool large = taken->value > 1;
      report.working = to_text(taken->value) + (large ? ">1" : " not >1");
      if (!large) return wrong(Defect::Witness, report.working);
    }
    if (line.rule != "take" || !line.refs.empty())
      make_gap(report, Defect::Reference, line.body + " [take]");
    return report;
  }

  // What was calculated from a letter's former value says nothing of its new one.
  void forget_products(std::size_t place) {
    product_in_[claim_.kind == Kind::Bezout ? place : 0] = 0;
    difference_in_ = 0;
  }

  bool all_taken() const {
    return taken_in_[0] > 0 && (claim_.variables().size() == 1 || taken_in_[1] > 0);
  }

  LineReport check_product(const Line& line, const Step& step) {
    if (!all_taken()) return wrong(Defect::Order, "none taken");
    const std::vector<Operation> products = claim_.products(value_[0], value_[1]);
    int place = -1;
    for (std::size_t i = 0; i < products.size() && place < 0; ++i)
      if (name_of_product(step.left) == name_of_product(products[i]) && product_in_[i] == 0)
        place = int(i);
    if (place < 0) {
      LineReport report = wrong(Defect::Operand, to_text(step.left) + " none");
      for (std::size_t i = 0; i < products.size() && report.remedy.empty(); ++i)
        if (product_in_[i] == 0)
          report.remedy =
              body_with_rule(calculated(Step::Kind::Calculation, products[i], claim_.modulus, {}));
      return report;
    }
    product_in_[std::size_t(place)] = here();
    stated_.back() = step.remainder();
    uses_.back() = products.size() == 1 ? takes() : std::vector<int>{taken_in_[place]};
    LineReport report = check_value(step, claim_.modulus, "", steps_of(step.left));
    if (line.rule != "calc" || !line.refs.empty()) {
      Step right = step;
      right.rule = "calc";
      right.refs.clear();
      make_gap(report, Defect::Reference, body_with_rule(right));
    }
    return report;
  }

  std::vector<int> takes() const {
    std::vector<int> lines(taken_in_, taken_in_ + claim_.variables().size());
    std::ranges::sort(lines);
    return lines;
  }

  // "36-35 = 1 [sub 3 4]"
  LineReport check_difference(const Line& line) {
    const auto chain = read_chain(line.body);
    if (!chain || chain->size() != 2 || (*chain)[0].operators != "-" || !(*chain)[1].is_number())
      return wrong(Defect::Unreadable, "unreadable");
    if (claim_.kind != Kind::Bezout || product_in_[0] == 0 || product_in_[1] == 0)
      return wrong(Defect::Order, "none");
    const std::vector<int> right_refs = {product_in_[0], product_in_[1]};
    const Integer first = *stated_[std::size_t(product_in_[0] - 1)];
    const Integer second = *stated_[std::size_t(product_in_[1] - 1)];
    uses_.back() = right_refs;
    difference_in_ = here();
    stated_.back() = (*chain)[1].numbers[0];
    const Operation& left = (*chain)[0];
    const std::string prefix =
        fmt::format("{}:{} {}:{}", right_refs[0], to_text(first), right_refs[1], to_text(second));
    const std::string remedy =
        fmt::format("{}-{} = {} [sub {} {}]", to_text(first), to_text(second),
                    to_text(subtract(first, second)), right_refs[0], right_refs[1]);
    if (left.numbers[0] != first || left.numbers[1] != second) {
      LineReport report = wrong(Defect::Operand, prefix + " not " + to_text(left));
      report.remedy = remedy;
      return report;
    }
    LineReport report;
    const Integer exact = subtract(first, second);
    report.working = prefix + "; " + difference_step(first, second);
    if (*stated_.back() != exact) {
      report = wrong(Defect::Value, report.working + " not " + to_text(*stated_.back()));
      report.remedy = remedy;
    } else if (line.rule != "sub" || line.refs != right_refs) {
      make_gap(report, Defect::Reference, remedy);
    }
    return report;
  }

  // The line with the number that must be c; 0: none yet.
  int result_line() const { return claim_.kind == Kind::Bezout ? difference_in_ : product_in_[0]; }

  // Whether a line ends in the number that is asked for.
  bool is_wanted(int line) const {
    const Integer found = *stated_[std::size_t(line - 1)];
    return claim_.modulus > 0 ? (found - claim_.c) % claim_.modulus == 0 : found == claim_.c;
  }

  // "2:3=3", "2:5 not 3"
  std::string comparison(int line) const {
    return fmt::format("{}:{}{}{}", line, to_text(*stated_[std::size_t(line - 1)]),
                       is_wanted(line) ? "=" : " not ", to_text(claim_.c));
  }

  LineReport check_goal(const Line& line) {
    for (const int ref : line.refs)
      if (!is_earlier(ref)) return wrong(Defect::Order, fmt::format("{} later", ref));
    goal_ = here();
    const int result = result_line();
    if (result == 0) return wrong(Defect::Missing, "none");
    std::vector<int> cited = takes();
    cited.push_back(result);
    uses_.back() = cited;
    LineReport report;
    report.working = comparison(result);
    if (!is_wanted(result)) {
      report.status = Status::Wrong;
      report.defect = Defect::Witness;
    } else if (line.refs != cited || !line.rule.empty()) {
      make_gap(report, Defect::Reference, fmt::format("goal [{}]", fmt::join(cited, " ")));
    }
    return report;
  }

  // Without a line for the goal, the last one bears what is said about the whole.
  void finish() {
    if (goal_ > 0 || reports_.empty()) return mark_needed(reports_, uses_, goal_);
    LineReport& last = reports_.back();
    const int result = result_line();
    if (result == 0) {
      last = wrong(Defect::Missing, last.working + "; none");
    } else {
      last.working += "; " + comparison(result);
      if (!is_wanted(result)) {
        last.status = Status::Wrong;
        last.defect = Defect::Witness;
        last.because.clear();
      } else if (last.status == Status::Ok || last.status == Status::Depends) {
        last.status = Status::Gap;
        last.defect = Defect::NoGoal;
        last.because.clear();
        last.remedy = fmt::format("goal [{} {}]", fmt::join(takes(), " "), result);
      }
    }
    mark_needed(reports_, uses_, here());
    if (result > 0) mark_needed(reports_, uses_, result);
  }

  const WitnessClaim& claim_;
  const Proof& proof_;
  Integer value_[2] = {};
  int taken_in_[2] = {};  // lines; 0: not yet
  int product_in_[2] = {};
  int difference_in_ = 0;
  int goal_ = 0;
  std::vector<std::optional<Integer>> stated_;  // the number that each line ends in
  std::vector<std::vector<int>> uses_;
  std::vector<LineReport> reports_;
};

}  // namespace

std::vector<LineReport> check_witness(const WitnessClaim& claim, const Proof& proof) {
  return Checker(claim, proof).run();
}

}  // namespace theorems
