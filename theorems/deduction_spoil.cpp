#include "theorems/deduction_spoil.h"

#include <algorithm>

#include "theorems/deduction_check.h"
#include "theorems/deduction_edit.h"
#include "theorems/deduction_inference.h"

namespace theorems {
namespace {

constexpr double kCarriedOn = 0.7;  // how often later lines go on from an error
constexpr double kPruned = 0.7;     // how often what a fallacy spares is left out
constexpr int kTriesMax = 30;       // of finding a place for an error
constexpr int kProofTriesMax = 5;   // of getting a proof that is not right after all

constexpr std::string_view kRulesWithLines[] = {"mp", "mt", "hs", "ds", "andi", "ande", "ori"};

class Spoiler : public DeductionEditor {
 public:
  Spoiler(DeductionStatement& statement, const Proof& proof, Random& random)
      : DeductionEditor(statement, proof, random) {
    for (FormulaId f : statement.premises)
      for (char c = 'a'; c <= 'z'; ++c)
        if ((formulas_.atoms(f) >> (c - 'a')) & 1 && letters_.find(c) == std::string::npos)
          letters_ += c;
  }

  void inject() {
    struct Kind {
      std::string_view name;
      int weight;
      bool (Spoiler::*apply)();
    };
    static constexpr Kind kKinds[] = {
        {"fallacy", 4, &Spoiler::fallacy},     {"negation", 4, &Spoiler::negation},
        {"swap", 3, &Spoiler::swapped},        {"copy", 4, &Spoiler::miscopied},
        {"premise", 1, &Spoiler::premise},     {"reference", 2, &Spoiler::reference},
        {"bare", 2, &Spoiler::bare},           {"rule", 1, &Spoiler::renamed},
        {"dropped line", 5, &Spoiler::merged}, {"dropped goal", 2, &Spoiler::without_goal},
        {"forced goal", 6, &Spoiler::forced},  {"invented premise", 4, &Spoiler::invented},
        {"leap", 10, &Spoiler::leap},          {"order", 2, &Spoiler::order},
        {"scope", 3, &Spoiler::scope},
    };
    int64_t total = 0;
    for (const Kind& kind : kKinds) total += kind.weight;
    for (int tries = 0; tries < kTriesMax; ++tries) {
      int64_t at = random_.below(total);
      const Kind* kind = kKinds;
      for (; at >= kind->weight; ++kind) at -= kind->weight;
      if (!(this->*kind->apply)()) continue;
      injections_.push_back({place_, std::string(kind->name)});
      return;
    }
  }

  Spoilt spoilt() {
    for (Line& line : lines_) line.text = line_text(line);
    return {{std::move(lines_)}, std::move(injections_)};
  }

 private:
  bool change(int number, FormulaId to) {
    if (to == kNoFormula || to == formula(number)) return false;
    line(number).body = formulas_.text(to);
    place_ = number;
    if (random_.chance(kCarriedOn)) carry_on(number);
    return true;
  }

  bool negation() {
    const int k = some();
    const FormulaId f = k ? formula(k) : kNoFormula;
    if (f == kNoFormula) return false;
    const Connective kind = formulas_.kind(f);
    if (kind == Connective::Atom || kind == Connective::Not)
      return change(k, formulas_.opposite(f));
    const FormulaId left = formulas_.left(f), right = formulas_.right(f);
    return random_.chance(0.5) ? change(k, formulas_.join(kind, formulas_.opposite(left), right))
                               : change(k, formulas_.join(kind, left, formulas_.opposite(right)));
  }

  bool swapped() {
    const int k = some();
    const FormulaId f = k ? formula(k) : kNoFormula;
    if (f == kNoFormula) return false;
    const Connective kind = formulas_.kind(f);
    if (kind == Connective::Atom || kind == Connective::Not) return false;
    return change(k, formulas_.join(kind, formulas_.right(f), formulas_.left(f)));
  }

  bool miscopied() {
    const int k = some();
    const FormulaId f = k ? formula(k) : kNoFormula;
    if (f == kNoFormula || letters_.empty()) return false;
    const auto letter = [&] {
      return letters_[std::size_t(random_.below(int64_t(letters_.size())))];
    };
    return change(k, with_letter(f, letter(), letter()));
  }

  // Names another premise, or copies another one.
  bool premise() {
    const int k = some("given");
    const auto count = int64_t(statement_.premises.size());
    if (!k || count < 2) return false;
    const int64_t other = random_.below(count);
    if (random_.chance(0.3)) return change(k, statement_.premises[std::size_t(other)]);
    if (line(k).refs.size() != 1 || line(k).refs[0] == other + 1) return false;
    line(k).refs[0] = int(other) + 1;
    place_ = k;
    return true;
  }

  bool reference() {
    const int k = some_with_refs();
    if (k < 2 || !cites_lines(line(k))) return false;
    int& ref = some_ref(line(k).refs);
    const int other = int(random_.between(1, k - 1));
    if (ref == other) return false;
    ref = other;
    place_ = k;
    return true;
  }

  // Leaves out the rule, the references or both.
  bool bare() {
    const int k = some_with_refs();
    if (!k) return false;
    Line& l = line(k);
    const int64_t how = l.rule.empty() ? 1 : random_.below(3);
    if (how != 0) l.refs.clear();
    if (how != 1) l.rule.clear();
    place_ = k;
    return true;
  }

  bool renamed() {
    const int k = some();
    if (!k || line(k).rule == "suppose") return false;
    const std::string_view rule = kRulesWithLines[random_.below(std::size(kRulesWithLines))];
    if (line(k).rule == rule) return false;
    line(k).rule = rule;
    place_ = k;
    return true;
  }

  // Leaves one line out, sometimes two; what used it goes without.
  bool merged() {
    const int k = some();
    if (!k || line(k).rule == "suppose" || last() < 3) return false;
    int user = 0;
    for (Line& l : lines_) {
      if (!cites_lines(l)) continue;
      if (std::erase(l.refs, k) > 0 && !user) user = l.number;
    }
    drop(k);
    place_ = std::max(1, (user ? user : k) - 1);
    if (random_.chance(0.15) && place_ > 1 && line(place_).body != kGoalBody) {
      const int before = place_ - 1;
      if (line(before).rule == "suppose") return true;
      for (Line& l : lines_)
        if (cites_lines(l)) std::erase(l.refs, before);
      drop(before);
      --place_;
    }
    return true;
  }

  bool without_goal() {
    if (!has_goal() || last() < 2) return false;
    drop(last());
    place_ = 0;
    return true;
  }

  // The goal comes too early.
  bool forced() {
    if (!has_goal() || last() < 4) return false;
    cut_after(int(random_.between(std::max(1, last() - 6), last() - 2)));
    place_ = last() + 1;
    if (random_.chance(0.6)) assert_goal();
    append(std::string(kGoalBody), "", {last()});
    return true;
  }

  // A line that says the goal, with a rule and lines that do not give it; mostly one of them is a
  // premise that at least holds the goal.
  void assert_goal() {
    const FormulaId goal = statement_.goal;
    const int other = last();
    for (std::size_t k = 0; k < statement_.premises.size() && random_.chance(0.9); ++k) {
      const FormulaId premise = statement_.premises[k];
      if ((formulas_.atoms(premise) & formulas_.atoms(goal)) == 0) continue;
      append(formulas_.text(premise), "given", {int(k) + 1});
      place_ = last() + 1;
      break;
    }
    std::vector<int> refs = {last()};
    if (last() == other && other > 1) refs.push_back(int(random_.between(1, other - 1)));
    if (last() > other)
      refs.push_back(random_.chance(0.6) ? other : int(random_.between(1, other)));
    append(formulas_.text(goal), kRulesWithLines[random_.below(4)], std::move(refs));
  }

  // A premise that is not there leads to the goal at once.
  bool invented() {
    if (!has_goal() || last() < 4 || statement_.premises.empty()) return false;
    cut_after(int(random_.between(std::max(1, last() - 6), last() - 2)));
    const int from = int(random_.between(std::max(1, last() - 2), last()));
    const FormulaId f = formula(from), goal = statement_.goal;
    const auto k = random_.between(1, int64_t(statement_.premises.size()));
    place_ = last() + 1;
    if (f == kNoFormula) return append(std::string(kGoalBody), "", {last()}), true;
    const bool implies = random_.chance(0.6);
    const FormulaId step = implies ? formulas_.join(Connective::Implies, f, goal)
                                   : formulas_.join(Connective::Or, formulas_.opposite(f), goal);
    append(formulas_.text(step), "given", {int(k)});
    append(formulas_.text(goal), implies ? "mp" : "ds", {last(), from});
    append(std::string(kGoalBody), "", {last()});
    return true;
  }

  // A line is written too early: some of the lines that it is built on are left out.
  bool leap() {
    if (last() < 5) return false;
    const int k = int(random_.between(4, last()));
    if (!cites_lines(line(k)) || line(k).rule == "suppose" || line(k).rule == "impi") return false;
    place_ = k;
    int wanted = int(random_.between(2, 4));
    std::vector<int> todo = line(k).refs;
    int dropped = 0;
    while (!todo.empty() && wanted > 0) {
      const int down = *std::ranges::max_element(todo);
      std::erase(todo, down);
      if (down < 1 || down >= place_ || line(down).rule == "suppose" || line(down).rule == "impi")
        continue;
      std::vector<int> above = cites_lines(line(down)) ? line(down).refs : std::vector<int>{};
      for (Line& l : lines_)
        if (cites_lines(l)) std::erase(l.refs, down);
      drop(down);
      todo.insert(todo.end(), above.begin(), above.end());
      ++dropped;
      --wanted;
    }
    // It then names what stands there.
    Line& l = line(place_);
    while (l.refs.size() < 2 && place_ > 2 && l.body != kGoalBody)
      l.refs.push_back(int(random_.between(1, place_ - 1)));
    if (l.refs.empty()) l.refs.push_back(place_ > 1 ? place_ - 1 : 1);
    return dropped > 0;
  }

  // Uses itself or what comes later, or two lines change places.
  bool order() {
    const int k = some_with_refs();
    if (!k || !cites_lines(line(k))) return false;
    if (random_.chance(0.5)) {
      some_ref(line(k).refs) = int(random_.between(k, last()));
      place_ = k;
      return true;
    }
    if (k < 2 || line(k).body == kGoalBody || line(k - 1).body == kGoalBody) return false;
    swap_with_next(k - 1);
    place_ = k - 1;
    return true;
  }

  // A supposition is not discharged, or a line inside it is used outside.
  bool scope() {
    const int k = some("impi");
    if (!k || line(k).refs.size() != 2 || line(k).refs[1] >= k) return false;
    const int inside = line(k).refs[1];
    if (random_.chance(0.5)) {
      for (Line& l : lines_)
        if (l.number > k && cites_lines(l)) std::ranges::replace(l.refs, k, inside);
      drop(k);
      place_ = std::min(k, last());
      return true;
    }
    for (Line& l : lines_) {
      if (l.number <= k || !cites_lines(l) || l.refs.empty()) continue;
      some_ref(l.refs) = inside;
      place_ = l.number;
      return true;
    }
    return false;
  }

  struct False {
    FormulaId formula = kNoFormula;
    std::string_view rule = {};
    std::vector<int> refs = {};
  };

  // What affirming the consequent, denying the antecedent and affirming a side give from the lines
  // above.
  std::vector<False> fallacies(int below) {
    std::vector<False> out;
    for (int i = 1; i < below; ++i) {
      const FormulaId f = formula(i);
      if (f == kNoFormula) continue;
      const Connective kind = formulas_.kind(f);
      if (kind != Connective::Implies && kind != Connective::Or) continue;
      const FormulaId left = formulas_.left(f), right = formulas_.right(f);
      for (int j = 1; j < below; ++j) {
        const FormulaId g = formula(j);
        if (g == kNoFormula || i == j) continue;
        if (kind == Connective::Implies && g == right) out.push_back({left, "mp", {i, j}});
        if (kind == Connective::Implies && formulas_.opposed(g, left))
          out.push_back({formulas_.opposite(right), "mt", {i, j}});
        if (kind == Connective::Or && g == left) out.push_back({right, "ds", {i, j}});
        if (kind == Connective::Or && g == right) out.push_back({left, "ds", {i, j}});
        if (kind == Connective::Or && g == left)
          out.push_back({formulas_.opposite(right), "ds", {i, j}});
      }
    }
    return out;
  }

  // A fallacy gives a line of the proof, or a line that was not there.
  bool fallacy() {
    if (last() < 3 || last() >= int(kProofLinesMax)) return false;
    const int below = int(random_.between(3, last()));
    const auto found = fallacies(below);
    if (found.empty()) return backwards();
    const False& chosen = random_.pick(found);
    for (int k = below; k <= last(); ++k) {
      if (formula(k) != chosen.formula || line(k).rule == "suppose") continue;
      line(k).rule = chosen.rule;
      line(k).refs = chosen.refs;
      place_ = k;
      if (random_.chance(kPruned)) drop_unused();
      return true;
    }
    const std::vector<int> refs = chosen.refs;
    insert(below, formulas_.text(chosen.formula), chosen.rule, refs);
    place_ = below;
    // Something then uses it.
    if (random_.chance(0.5) && below < last() && cites_lines(line(below + 1)) &&
        !line(below + 1).refs.empty()) {
      some_ref(line(below + 1).refs) = below;
      if (random_.chance(kPruned)) drop_unused();
    }
    return true;
  }

  // Takes an implication the other way round: names B where A is wanted.
  bool backwards() {
    const int k = some("mp");
    if (!k || line(k).refs.size() != 2 || line(k).refs[0] >= k) return false;
    const FormulaId f = formula(line(k).refs[0]);
    if (f == kNoFormula || formulas_.kind(f) != Connective::Implies) return false;
    return change(k,
                  random_.chance(0.5) ? formulas_.left(f) : formulas_.opposite(formulas_.right(f)));
  }

  std::string letters_ = {};
};

}  // namespace

Spoilt spoil_deduction(DeductionStatement statement, const Proof& proof, Random& random) {
  Spoilt spoilt{proof, {}};
  if (proof.lines.empty()) return spoilt;
  for (int tries = 0; tries < kProofTriesMax; ++tries) {
    Spoiler spoiler(statement, proof, random);
    const int64_t dice = random.below(10);
    const int errors = dice < 6 ? 1 : dice < 9 ? 2 : 3;
    for (int k = 0; k < errors; ++k) spoiler.inject();
    spoilt = spoiler.spoilt();
    if (halves_of(check_deduction(statement, spoilt.proof)) < 2) break;
  }
  return spoilt;
}

}  // namespace theorems
