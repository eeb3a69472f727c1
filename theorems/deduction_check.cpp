#include "theorems/deduction_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "theorems/deduction_search.h"

namespace theorems {
namespace {

constexpr std::string_view kNone = "none";

struct LineState {
  FormulaId formula = kNoFormula;
  bool closed = false;   // inside a supposition that was discharged
  bool tainted = false;  // wrong, or built on what is wrong
  std::vector<int> support = {};
};

// What the line's own rule makes of what it names.
struct Applied {
  bool gives_body = false;
  bool gives_other = false;
  bool later = false;
  std::string working = {};
  std::string other = {};  // the line that the rule gives instead
};

class Judge {
 public:
  Judge(DeductionStatement& statement, const Proof& proof)
      : statement_(statement),
        formulas_(statement.formulas),
        proof_(proof),
        states_(proof.lines.size() + 1),
        reports_(proof.lines.size()) {}

  std::vector<LineReport> run() {
    int root = 0;
    for (const Line& line : proof_.lines) {
      if (line.body == kGoalBody) {
        judge_goal(line);
        root = line.number;
      } else {
        judge_formula(line);
      }
    }
    if (root == 0) root = judge_without_goal();
    mark_needed(root);
    return std::move(reports_);
  }

 private:
  LineReport& report(const Line& line) { return reports_[std::size_t(line.number) - 1]; }
  LineState& state(int line) { return states_[std::size_t(line)]; }
  bool usable(int ref, int line) {
    return ref >= 1 && ref < line && !state(ref).closed && state(ref).formula != kNoFormula;
  }
  bool outside(int line) const { return open_.empty() || line < open_.front(); }

  std::string cited(int ref, int line) {
    if (ref < 1 || ref >= line) return fmt::format("{}: later", ref);
    if (state(ref).formula == kNoFormula) return fmt::format("{}: ?", ref);
    if (state(ref).closed) return fmt::format("{}: closed", ref);
    return fmt::format("{}: {}", ref, formulas_.text(state(ref).formula));
  }

  std::string written(FormulaId f, Inference rule, const std::vector<int>& refs) const {
    std::string text = fmt::format("{} [{}", formulas_.text(f), to_text(rule));
    for (const int ref : refs) text += fmt::format(" {}", ref);
    return text + "]";
  }

  // "4: p->q 3: p gives q", "given 1: p->q", "suppose p". A reference 0 is passed over.
  std::string steps(const Application& step) {
    const std::string text = formulas_.text(step.formula);
    if (step.rule == Inference::Given) return fmt::format("given {}: {}", step.refs[0], text);
    if (step.rule == Inference::Suppose) return "suppose " + text;
    std::string out;
    for (const int ref : step.refs)
      if (ref) out += fmt::format("{}: {} ", ref, formulas_.text(state(ref).formula));
    return out + "gives " + text;
  }

  Applied apply_given(const Line& line, FormulaId body) {
    Applied out{.working = std::string(kNone)};
    if (line.refs.size() != 1) return out;
    const int k = line.refs[0];
    if (k < 1 || k > int(statement_.premises.size()))
      return out.working = fmt::format("{}: none", k), out;
    const FormulaId premise = statement_.premises[std::size_t(k) - 1];
    out.working = fmt::format("{}: {}", k, formulas_.text(premise));
    out.gives_body = premise == body;
    out.gives_other = !out.gives_body;
    out.other = written(premise, Inference::Given, line.refs);
    return out;
  }

  bool may_apply(const Line& line, Inference rule) {
    if (line.refs.size() != lines_used(rule)) return false;
    if (rule == Inference::Impi && (open_.empty() || line.refs[0] != open_.back())) return false;
    return std::ranges::all_of(line.refs, [&](int ref) { return usable(ref, line.number); });
  }

  Applied apply(const Line& line, FormulaId body) {
    const auto rule = read_inference(line.rule);
    if (rule == Inference::Given) return apply_given(line, body);
    Applied out;
    out.later = std::ranges::any_of(line.refs, [&](int ref) { return ref >= line.number; });
    if (!rule) return out.working = kNone, out;
    for (const int ref : line.refs) out.working += cited(ref, line.number) + " ";
    if (!may_apply(line, *rule)) return out.working += kNone, out;
    std::vector<FormulaId> from;
    for (const int ref : line.refs) from.push_back(state(ref).formula);
    const auto gives = conclusions(formulas_, *rule, from);
    out.gives_body = body != kNoFormula && concludes(formulas_, *rule, from, body);
    if (*rule == Inference::Ori) {
      const std::string twice = formulas_.text(formulas_.join(Connective::Or, from[0], from[0]));
      const std::string one = twice.substr(0, twice.size() / 2);  // in parentheses if it needs them
      out.working += fmt::format("gives {0}|_, _|{0}", one);
      out.gives_other = !out.gives_body;
      return out;
    }
    if (gives.empty() && !out.gives_body) return out.working += kNone, out;
    out.gives_other = !out.gives_body;
    const FormulaId shown = out.gives_body ? body : gives[0];
    out.other = written(shown, *rule, line.refs);
    if (*rule == Inference::Ande)
      out.working +=
          fmt::format("gives {}, {}", formulas_.text(gives[0]), formulas_.text(gives[1]));
    else
      out.working += "gives " + formulas_.text(shown);
    return out;
  }

  // What a line may use: all, or only what is sound; only what holds without suppositions, for the
  // goal.
  enum class Use { Sound, Any };
  enum class Where { Here, Outside };
  Standing standing(int line, Use use, Where where) {
    Standing out(formulas_, statement_.premises);
    for (int k = 1; k < line; ++k) {
      const LineState& s = state(k);
      if (!usable(k, line) || (use == Use::Sound && s.tainted)) continue;
      if (where == Where::Here || outside(k)) out.add(s.formula, k);
    }
    if (where == Where::Here && !open_.empty())
      out.suppose(state(open_.back()).formula, open_.back());
    return out;
  }

  void close(int supposition, int line) {
    for (int k = supposition; k < line; ++k) state(k).closed = true;
    open_.pop_back();
  }

  std::vector<int> tainted(const std::vector<int>& lines) {
    std::set<int> out;
    for (const int k : lines)
      if (state(k).tainted) out.insert(k);
    return {out.begin(), out.end()};
  }

  // Right in itself: Ok, or Depends if something that it uses is wrong.
  void accept(const Line& line, const std::vector<int>& support) {
    state(line.number).support = support;
    report(line).because = tainted(support);
    if (report(line).because.empty()) return;
    report(line).status = Status::Depends;
    state(line.number).tainted = true;
  }

  void gap(const Line& line, Defect defect, const std::vector<Application>& how) {
    LineReport& r = report(line);
    std::vector<int> support;
    for (const Application& step : how) {
      if (step.rule == Inference::Given) continue;
      for (const int ref : step.refs)
        if (ref) support.push_back(ref);
    }
    accept(line, support);
    if (r.status == Status::Depends) return;
    r.status = Status::Gap;
    r.defect = defect;
    for (const Application& step : how) {
      std::vector<int> refs = step.refs;
      std::ranges::replace(refs, 0, line.number);
      r.remedy += (r.remedy.empty() ? "" : "; ") + written(step.formula, step.rule, refs);
    }
  }

  // The line as it follows without its own rule, from these lines. False if it does not.
  bool follows_otherwise(const Line& line, FormulaId body, const Standing& from) {
    LineReport& r = report(line);
    if (const int same = from.line_of(body)) {
      r.working += fmt::format("; {}: {}", same, formulas_.text(body));
      accept(line, {same});
      if (r.status != Status::Depends) r.status = Status::Gap, r.defect = Defect::Reference;
      return true;
    }
    std::vector<Application> how;
    if (auto one = from.follows(body)) {
      r.working += "; " + steps(*one);
      how = {std::move(*one)};
    } else if (auto two = from.follows_in_two(body)) {
      r.working += "; " + steps(two->first) + " " + steps(two->second);
      how = {std::move(two->first), std::move(two->second)};
    } else {
      return false;
    }
    gap(line, how.size() == 1 ? Defect::Reference : Defect::Merged, how);
    if (how.back().rule == Inference::Impi) close(how.back().refs[0], line.number);
    return true;
  }

  void end_in_none(LineReport& r) {
    if (!r.working.ends_with(kNone)) r.working += "; none";
  }

  void reject(const Line& line, Defect defect) {
    LineReport& r = report(line);
    r.status = Status::Wrong;
    r.defect = defect;
    end_in_none(r);
    state(line.number).tainted = true;
    if (line.rule == to_text(Inference::Given)) return;
    for (const int ref : line.refs)
      if (ref >= 1 && ref < line.number) state(line.number).support.push_back(ref);
  }

  // The next line, with this number, of a proof that begins with the sound lines above it.
  void suggest(LineReport& r, int number) {
    if (++remedies_ > kRemediesSearchedMax) return;
    const Standing sound = standing(number, Use::Sound, Where::Here);
    FormulaId target = statement_.goal;
    if (!open_.empty() && formulas_.kind(target) == Connective::Implies &&
        formulas_.left(target) == state(open_.back()).formula) {
      target = formulas_.right(target);
      if (const int last = sound.line_of(target)) {
        const Application step{statement_.goal, Inference::Impi, {open_.back(), last}};
        r.repair = steps(step);
        r.remedy = written(step.formula, step.rule, step.refs);
        return;
      }
    }
    Random random(0);
    const auto rest =
        search(formulas_, {statement_.premises, sound.lines(), target}, number, random);
    if (!rest) return;
    if (rest->empty()) {
      const int there = sound.line_of(target);
      if (!outside(there)) return;
      r.repair = fmt::format("{}: {}", there, formulas_.text(target));
      r.remedy = fmt::format("goal [{}]", there);
      return;
    }
    r.repair = steps(rest->front());
    r.remedy = written(rest->front().formula, rest->front().rule, rest->front().refs);
  }

  void judge_supposition(const Line& line, FormulaId body) {
    LineReport& r = report(line);
    r.working = "suppose " + formulas_.text(body);
    if (!line.refs.empty()) {
      r.working = "none; " + r.working;
      r.status = Status::Gap;
      r.defect = Defect::Reference;
      r.remedy = written(body, Inference::Suppose, {});
    }
    open_.push_back(line.number);
  }

  void judge_formula(const Line& line) {
    const FormulaId body = formulas_.read(line.body).value_or(kNoFormula);
    if (body != kNoFormula && line.rule == to_text(Inference::Suppose)) {
      state(line.number).formula = body;
      return judge_supposition(line, body);
    }
    const Applied applied = apply(line, body);
    LineReport& r = report(line);
    r.working = applied.working;
    const bool given = line.rule == to_text(Inference::Given);
    const bool discharges = line.rule == to_text(Inference::Impi) && !line.refs.empty() &&
                            !open_.empty() && line.refs[0] == open_.back();
    const bool found =
        applied.gives_body ||
        (body != kNoFormula &&
         (follows_otherwise(line, body, standing(line.number, Use::Sound, Where::Here)) ||
          follows_otherwise(line, body, standing(line.number, Use::Any, Where::Here))));
    if (applied.gives_body) {
      accept(line, given ? std::vector<int>{} : line.refs);
    } else if (!found) {
      const Defect defect = body == kNoFormula             ? Defect::Unreadable
                            : applied.later                ? Defect::Order
                            : given || applied.gives_other ? Defect::Operand
                                                           : Defect::Rule;
      reject(line, defect);
      r.remedy = applied.other;
      if (r.remedy.empty()) suggest(r, line.number);
    }
    // A line that is meant to discharge does so even if it says something wrong, but not if it
    // follows otherwise: then it still needs the supposition.
    if (discharges && (applied.gives_body || !found)) close(line.refs[0], line.number);
    state(line.number).formula = body;
  }

  // The goal's line names the line that says it.
  void judge_goal(const Line& line) {
    LineReport& r = report(line);
    const FormulaId goal = statement_.goal;
    bool later = false;
    for (const int ref : line.refs) {
      const bool open = usable(ref, line.number) && !outside(ref);
      r.working += (r.working.empty() ? "" : " ") +
                   (open ? fmt::format("{}: open", ref) : cited(ref, line.number));
      later = later || ref >= line.number;
    }
    if (line.refs.size() == 1 && line.rule.empty() && usable(line.refs[0], line.number) &&
        outside(line.refs[0]) && state(line.refs[0]).formula == goal)
      return accept(line, line.refs);
    if (r.working.empty()) r.working = kNone;
    if (goal_otherwise(line, Use::Sound) || goal_otherwise(line, Use::Any)) return;
    reject(line, later ? Defect::Order : Defect::Forced);
    suggest(r, line.number);
  }

  bool goal_otherwise(const Line& line, Use use) {
    LineReport& r = report(line);
    const FormulaId goal = statement_.goal;
    const Standing from = standing(line.number, use, Where::Outside);
    if (const int same = from.line_of(goal)) {
      r.working += fmt::format("; {}: {}", same, formulas_.text(goal));
      accept(line, {same});
      if (r.status == Status::Depends) return true;
      r.status = Status::Gap;
      r.defect = Defect::Reference;
      r.remedy = fmt::format("goal [{}]", same);
      return true;
    }
    auto step = from.follows(goal);
    if (!step && open_.size() == 1 && formulas_.kind(goal) == Connective::Implies &&
        formulas_.left(goal) == state(open_[0]).formula) {
      const int last = standing(line.number, use, Where::Here).line_of(formulas_.right(goal));
      if (last) step = Application{goal, Inference::Impi, {open_[0], last}};
    }
    if (!step) return false;
    r.working += "; " + steps(*step);
    gap(line, Defect::Merged, {*step});
    if (r.status == Status::Gap) r.remedy += fmt::format("; goal [{}]", line.number);
    return true;
  }

  // No line is "goal": a gap of the last line if the goal stands somewhere. Returns what the goal
  // needs.
  int judge_without_goal() {
    const Line& last = proof_.lines.back();
    LineReport& r = report(last);
    const int end = last.number + 1;
    int there = standing(end, Use::Sound, Where::Outside).line_of(statement_.goal);
    if (!there) there = standing(end, Use::Any, Where::Outside).line_of(statement_.goal);
    if (!there) {
      if (r.status != Status::Wrong) {
        r.working += "; goal none";
        r.status = Status::Wrong;
        r.defect = Defect::Other;
        r.because.clear();
        r.remedy.clear();
        suggest(r, end);
      }
      return last.number;
    }
    if (r.status == Status::Ok) {
      r.working += fmt::format("; goal {}: {}", there, formulas_.text(statement_.goal));
      r.status = Status::Gap;
      r.defect = Defect::NoGoal;
      r.remedy = fmt::format("goal [{}]", there);
    }
    return there;
  }

  void mark_needed(int root) {
    std::vector<int> todo = {root};
    while (!todo.empty()) {
      const int k = todo.back();
      todo.pop_back();
      LineReport& r = reports_[std::size_t(k) - 1];
      if (r.needed) continue;
      r.needed = true;
      for (const int ref : state(k).support) todo.push_back(ref);
    }
  }

  DeductionStatement& statement_;
  Formulas& formulas_;
  const Proof& proof_;
  std::vector<LineState> states_;  // by number
  std::vector<LineReport> reports_;
  std::vector<int> open_ = {};  // lines of the open suppositions
  int remedies_ = 0;
};

}  // namespace

std::vector<LineReport> check_deduction(DeductionStatement statement, const Proof& proof) {
  if (proof.lines.empty()) return {};
  return Judge(statement, proof).run();
}

}  // namespace theorems
