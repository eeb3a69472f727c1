#include "theorems/deduction_search.h"

#include <algorithm>
#include <bitset>

namespace theorems {
namespace {

constexpr std::size_t kFactsMax = 256;
constexpr int kRoundsMax = 24;  // of improving the derivations of one set of facts
using FactSet = std::bitset<kFactsMax>;

constexpr int kNoFact = -1;

struct Fact {
  FormulaId formula = kNoFormula;
  int depth = 0;                         // of the suppositions around it
  std::optional<Application> line = {};  // what is there already
  Inference rule = Inference::Given;
  int premise = 0;
  std::vector<int> inputs = {};  // facts
  FactSet uses = {};             // all lines that it takes
  int cost = 0;
};

// What is known inside the open suppositions: for each formula its fact.
struct Scope {
  std::unordered_map<FormulaId, int> known = {};
  std::vector<int> order = {};
  int depth = 0;
};

class Search {
 public:
  Search(Formulas& formulas, const SearchInput& input, Random& random)
      : formulas_(formulas), input_(input), random_(random) {
    for (const FormulaId premise : input.premises) collect(premise);
    for (const auto& [f, line] : input.lines) collect(f);
    collect(input.target);
  }

  std::optional<std::vector<Application>> run(int first_line) {
    Scope scope;
    for (const auto& [f, line] : input_.lines) {
      if (scope.known.contains(f) || facts_.size() == kFactsMax) continue;
      Fact fact{f};
      fact.line = Application{f, Inference::Given, {line}};
      insert(scope, std::move(fact));
    }
    for (std::size_t k = 0; k < input_.premises.size(); ++k)
      offer(scope, input_.premises[k], Inference::Given, {}, int(k) + 1);
    if (!reach(scope, input_.target)) return std::nullopt;
    next_line_ = first_line;
    line_of_.assign(facts_.size(), 0);
    write(scope.known.at(input_.target));
    return std::move(written_);
  }

 private:
  // Every subformula once; the implications among them may be proved by supposing.
  void collect(FormulaId f) {
    if (!seen_.try_emplace(f, true).second || seen_.size() > kFactsMax) return;
    const Connective kind = formulas_.kind(f);
    if (kind == Connective::Atom) return;
    if (kind == Connective::And || kind == Connective::Or) wanted_.push_back(f);
    if (kind == Connective::Implies) implications_.push_back(f);
    collect(formulas_.left(f));
    if (kind != Connective::Not) collect(formulas_.right(f));
  }

  int insert(Scope& scope, Fact fact) {
    const int at = int(facts_.size());
    fact.depth = scope.depth;
    scope.known.emplace(fact.formula, at);
    scope.order.push_back(at);
    facts_.push_back(std::move(fact));
    return at;
  }

  // Takes the derivation if the formula is new, or if it is shorter than the one known. Costs only
  // fall and are above those of the inputs, so that no fact ever uses itself.
  void offer(Scope& scope, FormulaId f, Inference rule, const std::vector<int>& inputs,
             int premise = 0) {
    if (++work_ > kSearchWorkMax) return;
    const auto at = scope.known.find(f);
    if (at != scope.known.end()) {
      const Fact& old = facts_[std::size_t(at->second)];
      if (old.line || old.rule == Inference::Suppose || old.depth != scope.depth) return;
    } else if (facts_.size() == kFactsMax) {
      return;
    }
    FactSet uses;
    for (const int input : inputs) uses |= facts_[std::size_t(input)].uses;
    const int cost = int(uses.count()) + 1;
    if (at == scope.known.end()) {
      const int fresh = insert(scope, Fact{f});
      take(fresh, rule, inputs, uses, premise);
      return;
    }
    Fact& old = facts_[std::size_t(at->second)];
    if (uses[std::size_t(at->second)] || cost > old.cost) return;
    if (cost == old.cost && (settled_ || !random_.chance(0.5))) return;
    take(at->second, rule, inputs, uses, premise);
  }

  void take(int at, Inference rule, const std::vector<int>& inputs, FactSet uses, int premise) {
    Fact& fact = facts_[std::size_t(at)];
    uses.set(std::size_t(at));
    const int cost = int(uses.count());
    if (cost != fact.cost) changed_ = true;
    fact.rule = rule;
    fact.inputs = inputs;
    fact.premise = premise;
    fact.uses = uses;
    fact.cost = cost;
  }

  int known(const Scope& scope, FormulaId f) const {
    const auto at = scope.known.find(f);
    return at == scope.known.end() ? kNoFact : at->second;
  }

  // An implication from here is of use for the target or inside a formula.
  bool worth_chaining(FormulaId left, FormulaId right) {
    return std::ranges::any_of(implications_, [&](FormulaId f) {
      return formulas_.left(f) == left || formulas_.right(f) == right;
    });
  }

  void take_apart_implication(Scope& scope, int fact) {
    const FormulaId f = facts_[std::size_t(fact)].formula;
    const FormulaId left = formulas_.left(f), right = formulas_.right(f);
    if (const int minor = known(scope, left); minor != kNoFact)
      offer(scope, right, Inference::Mp, {fact, minor});
    for (const FormulaId o : opposites(formulas_, right))
      if (const int minor = known(scope, o); minor != kNoFact)
        offer(scope, formulas_.opposite(left), Inference::Mt, {fact, minor});
    for (std::size_t i = 0; i < scope.order.size() && ++work_ <= kSearchWorkMax; ++i) {
      const int other = scope.order[i];
      const FormulaId g = facts_[std::size_t(other)].formula;
      if (formulas_.kind(g) != Connective::Implies || formulas_.left(g) != right) continue;
      const FormulaId end = formulas_.right(g);
      if (end != left && chains(left, end))
        offer(scope, formulas_.join(Connective::Implies, left, end), Inference::Hs, {fact, other});
    }
  }

  bool chains(FormulaId left, FormulaId right) {
    const FormulaId target = input_.target;
    if (formulas_.kind(target) == Connective::Implies && formulas_.left(target) == left)
      return true;
    return worth_chaining(left, right) &&
           std::ranges::count(implications_, formulas_.join(Connective::Implies, left, right)) > 0;
  }

  void take_apart_disjunction(Scope& scope, int fact) {
    const FormulaId f = facts_[std::size_t(fact)].formula;
    const FormulaId left = formulas_.left(f), right = formulas_.right(f);
    for (const FormulaId o : opposites(formulas_, left))
      if (const int minor = known(scope, o); minor != kNoFact)
        offer(scope, right, Inference::Ds, {fact, minor});
    for (const FormulaId o : opposites(formulas_, right))
      if (const int minor = known(scope, o); minor != kNoFact)
        offer(scope, left, Inference::Ds, {fact, minor});
    for (std::size_t i = 0; i < scope.order.size() && ++work_ <= kSearchWorkMax; ++i) {
      const int one = scope.order[i];
      const FormulaId g = facts_[std::size_t(one)].formula;
      if (formulas_.kind(g) != Connective::Implies || formulas_.left(g) != left) continue;
      const FormulaId end = formulas_.right(g);
      const int two = known(scope, formulas_.join(Connective::Implies, right, end));
      if (two != kNoFact) offer(scope, end, Inference::Cases, {fact, one, two});
    }
  }

  void build(Scope& scope) {
    for (const FormulaId f : wanted_) {
      const int left = known(scope, formulas_.left(f)), right = known(scope, formulas_.right(f));
      if (formulas_.kind(f) == Connective::Or) {
        if (left != kNoFact) offer(scope, f, Inference::Ori, {left});
        if (right != kNoFact) offer(scope, f, Inference::Ori, {right});
      } else if (left != kNoFact && right != kNoFact) {
        offer(scope, f, Inference::Andi, {left, right});
      }
    }
  }

  void close(Scope& scope) {
    ++closures_;
    changed_ = true;
    for (int round = 0; changed_ && round < kRoundsMax; ++round) {
      changed_ = false;
      settled_ = round >= kRoundsMax / 2;
      for (std::size_t i = 0; i < scope.order.size(); ++i) {
        const int fact = scope.order[i];
        const FormulaId f = facts_[std::size_t(fact)].formula;
        switch (formulas_.kind(f)) {
          case Connective::And:
            offer(scope, formulas_.left(f), Inference::Ande, {fact});
            offer(scope, formulas_.right(f), Inference::Ande, {fact});
            break;
          case Connective::Implies:
            take_apart_implication(scope, fact);
            break;
          case Connective::Or:
            take_apart_disjunction(scope, fact);
            break;
          case Connective::Atom:
          case Connective::Not:
            break;
        }
      }
      build(scope);
    }
  }

  // Supposes the left side and looks for the right one.
  bool discharge(Scope& scope, FormulaId implication) {
    if (scope.depth == kSuppositionDepthMax || closures_ >= kClosuresMax ||
        work_ > kSearchWorkMax || facts_.size() + 8 > kFactsMax)
      return false;
    Scope inner = scope;
    ++inner.depth;
    const FormulaId left = formulas_.left(implication), right = formulas_.right(implication);
    inner.known.erase(left);
    const int supposed = insert(inner, Fact{left});
    FactSet alone;
    take(supposed, Inference::Suppose, {}, alone, 0);
    if (!reach(inner, right)) return false;
    offer(scope, implication, Inference::Impi, {supposed, inner.known.at(right)});
    return scope.known.contains(implication);
  }

  bool reach(Scope& scope, FormulaId target) {
    close(scope);
    if (scope.known.contains(target)) return true;
    if (formulas_.kind(target) == Connective::Implies && discharge(scope, target)) return true;
    for (bool again = true; again && !scope.known.contains(target);) {
      again = false;
      for (const FormulaId f : implications_) {
        if (scope.known.contains(f) || !discharge(scope, f)) continue;
        close(scope);
        again = true;
        if (scope.known.contains(target)) return true;
      }
    }
    return scope.known.contains(target);
  }

  // Facts outside the supposition are written before it, so that they can still be used after it.
  void write_outside(int fact, int depth, FactSet& visited) {
    if (visited[std::size_t(fact)]) return;
    visited.set(std::size_t(fact));
    if (facts_[std::size_t(fact)].depth <= depth) {
      write(fact);
      return;
    }
    for (const int input : std::vector<int>(facts_[std::size_t(fact)].inputs))
      write_outside(input, depth, visited);
  }

  void write(int at) {
    if (line_of_[std::size_t(at)]) return;
    const Fact fact = facts_[std::size_t(at)];
    if (fact.line) {
      line_of_[std::size_t(at)] = fact.line->refs[0];
      return;
    }
    if (fact.rule == Inference::Impi) {
      FactSet visited;
      write_outside(fact.inputs[1], fact.depth, visited);
    } else {
      // What is worked out stands before what is only copied.
      for (const int input : fact.inputs)
        if (facts_[std::size_t(input)].rule != Inference::Given) write(input);
    }
    for (const int input : fact.inputs) write(input);
    Application line{fact.formula, fact.rule, {}};
    if (fact.rule == Inference::Given) line.refs.push_back(fact.premise);
    for (const int input : fact.inputs) line.refs.push_back(line_of_[std::size_t(input)]);
    line_of_[std::size_t(at)] = next_line_++;
    written_.push_back(std::move(line));
  }

  Formulas& formulas_;
  const SearchInput& input_;
  Random& random_;
  std::unordered_map<FormulaId, bool> seen_ = {};
  std::vector<FormulaId> wanted_ = {};        // conjunctions and disjunctions worth building
  std::vector<FormulaId> implications_ = {};  // worth proving
  std::vector<Fact> facts_ = {};
  bool changed_ = false;
  bool settled_ = false;
  int closures_ = 0;
  int work_ = 0;
  int next_line_ = 1;
  std::vector<int> line_of_ = {};
  std::vector<Application> written_ = {};
};

}  // namespace

std::optional<std::vector<Application>> search(Formulas& formulas, const SearchInput& input,
                                               int first_line, Random& random) {
  return Search(formulas, input, random).run(first_line);
}

}  // namespace theorems
