#include "theorems/deduction_sample.h"

#include <algorithm>
#include <bit>
#include <set>

namespace theorems {
namespace {

struct Shape {
  int low, high;        // lines before "goal"
  int atoms;            // at most
  int premise_letters;  // of one premise, at most
  int distractors;      // at most
  bool suppositions;    // allowed
  double compound;      // how often a side has two letters
};
constexpr Shape kShapes[] = {{3, 4, 5, 4, 0, false, 0.3},
                             {5, 6, 6, 4, 2, false, 0.2},
                             {7, 9, 7, 4, 2, false, 0.15},
                             {10, 14, 8, 4, 3, true, 0.15},
                             {15, 20, 8, 4, 3, true, 0.15}};
constexpr double kSuppositionShare = 0.6;  // of the statements where they are allowed

enum class Way { Direct, Supposing };

// Draws a statement backwards: what is to be derived is replaced by what a rule derives it from,
// until there are as many lines as wanted; what is then left are the premises.
class Growth {
 public:
  Growth(const Shape& shape, Way way, Random& random)
      : shape_(shape), random_(random), supposing_(way == Way::Supposing) {
    for (char c = 'a'; c <= 'z'; ++c)
      if (c != 'v') letters_ += c;
    for (std::size_t i = letters_.size(); i > 1; --i)
      std::swap(letters_[i - 1], letters_[std::size_t(random_.below(int64_t(i)))]);
    letters_.resize(std::size_t(shape.atoms));
  }

  DeductionStatement grown() {
    const int wanted = int(random_.between(shape_.low, shape_.high));
    statement_.goal = first_goal();
    open_ = {statement_.goal};
    lines_ = 1;
    if (supposing_) expand_by_supposing(0);
    for (int tries = 0; lines_ < wanted && tries < 200; ++tries) expand();
    for (const FormulaId f : open_)
      if (f != assumed_) statement_.premises.push_back(f);
    return std::move(statement_);
  }

  void add_distractors(DeductionStatement& to) {
    const int64_t count = shape_.distractors ? random_.between(1, shape_.distractors) : 0;
    Formulas& f = to.formulas;
    std::swap(statement_.formulas, f);
    for (int64_t k = 0; k < count; ++k) {
      FormulaId extra = kNoFormula;
      const FormulaId a = side(), b = side();
      if (!joinable(a, b)) continue;
      const int64_t kind = random_.below(10);
      if (kind < 6)
        extra = join(Connective::Implies, a, b);
      else if (kind < 9)
        extra = join(kind < 8 ? Connective::Or : Connective::And, a, b);
      else
        extra = a;
      if (statement_.formulas.letters(extra) > shape_.premise_letters) continue;
      if (extra != to.goal && !std::ranges::count(to.premises, extra)) to.premises.push_back(extra);
    }
    std::swap(statement_.formulas, f);
    random_.shuffle(to.premises);
  }

 private:
  FormulaId join(Connective c, FormulaId a, FormulaId b) {
    return statement_.formulas.join(c, a, b);
  }

  FormulaId atom() {
    // Letters that occur already are taken as often as new ones.
    if (used_ > 0 && (used_ == int(letters_.size()) || random_.chance(0.4)))
      return statement_.formulas.atom(letters_[std::size_t(random_.below(used_))]);
    return statement_.formulas.atom(letters_[std::size_t(used_++)]);
  }
  FormulaId literal() {
    const FormulaId a = atom();
    return random_.chance(0.2) ? statement_.formulas.negation(a) : a;
  }
  // Mostly one letter, sometimes two joined.
  FormulaId side() {
    const FormulaId a = literal();
    if (!random_.chance(shape_.compound)) return a;
    const FormulaId b = literal();
    if (!joinable(a, b)) return a;
    return join(random_connective(), a, b);
  }
  Connective random_connective() {
    const int64_t k = random_.below(10);
    return k < 4 ? Connective::And : k < 8 ? Connective::Or : Connective::Implies;
  }
  // Neither p&p nor p|!p, and no letter twice.
  bool joinable(FormulaId a, FormulaId b) const {
    return (statement_.formulas.atoms(a) & statement_.formulas.atoms(b)) == 0;
  }
  bool fits(FormulaId f) const { return statement_.formulas.letters(f) <= shape_.premise_letters; }

  FormulaId first_goal() {
    const FormulaId a = literal();
    const FormulaId b = literal();
    if (!joinable(a, b)) return a;
    if (supposing_) return join(Connective::Implies, a, b);
    const int64_t kind = random_.below(10);
    if (kind < 6) return a;
    return join(kind < 8 ? Connective::And : kind < 9 ? Connective::Or : Connective::Implies, a, b);
  }

  void expand_by_supposing(std::size_t at) {
    const FormulaId goal = open_[at];
    if (statement_.formulas.kind(goal) != Connective::Implies) return;
    assumed_ = statement_.formulas.left(goal);
    open_[at] = statement_.formulas.right(goal);
    open_.push_back(assumed_);
    lines_ += 2;
  }

  // The other formula of a rule with two: what is known, what is supposed, or something new.
  FormulaId minor() {
    if (assumed_ != kNoFormula && random_.chance(0.35)) return assumed_;
    if (random_.chance(0.15)) return open_[std::size_t(random_.below(int64_t(open_.size())))];
    return side();
  }

  void replace(std::size_t at, const std::vector<FormulaId>& by) {
    const FormulaId old = open_[at];
    for (const FormulaId f : by)
      if (!fits(f) || f == statement_.goal || f == old) return;
    open_.erase(open_.begin() + int64_t(at));
    for (const FormulaId f : by) {
      if (std::ranges::count(open_, f)) continue;
      open_.push_back(f);
      ++lines_;
    }
  }

  void expand() {
    Formulas& f = statement_.formulas;
    const auto at = std::size_t(random_.below(int64_t(open_.size())));
    const FormulaId goal = open_[at];
    if (goal == assumed_) return;
    const FormulaId other = minor();
    const bool can_join = joinable(goal, other);
    const Connective kind = f.kind(goal);
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2:
        if (can_join) replace(at, {join(Connective::Implies, other, goal), other});
        break;
      case 3:
      case 4:
        if (can_join)
          replace(at, {join(Connective::Implies, f.opposite(goal), other), f.opposite(other)});
        break;
      case 5:
      case 6:
        if (!can_join) break;
        replace(at, {random_.chance(0.5) ? join(Connective::Or, other, goal)
                                         : join(Connective::Or, goal, other),
                     f.opposite(other)});
        break;
      case 7:
        if (can_join)
          replace(at, {random_.chance(0.5) ? join(Connective::And, goal, other)
                                           : join(Connective::And, other, goal)});
        break;
      case 8:
        if (kind == Connective::And) replace(at, {f.left(goal), f.right(goal)});
        if (kind == Connective::Or)
          replace(at, {random_.chance(0.5) ? f.left(goal) : f.right(goal)});
        break;
      case 9:
        if (kind == Connective::And) replace(at, {f.left(goal), f.right(goal)});
        if (kind == Connective::Implies && joinable(other, goal))
          replace(at, {join(Connective::Implies, f.left(goal), other),
                       join(Connective::Implies, other, f.right(goal))});
        break;
      case 10: {
        const FormulaId second = literal();
        if (can_join && joinable(second, goal) && joinable(second, other))
          replace(at, {join(Connective::Or, other, second), join(Connective::Implies, other, goal),
                       join(Connective::Implies, second, goal)});
        break;
      }
      default:
        break;
    }
  }

  const Shape& shape_;
  Random& random_;
  std::string letters_ = {};
  int used_ = 0;
  DeductionStatement statement_ = {};
  bool supposing_;
  FormulaId assumed_ = kNoFormula;
  std::vector<FormulaId> open_ = {};  // what is still to be derived
  int lines_ = 0;
};

bool uses(const std::vector<Application>& lines, Inference rule) {
  return std::ranges::any_of(lines, [&](const Application& a) { return a.rule == rule; });
}

// Takes the premises away that the proof does not name.
void keep_used(DeductionStatement& statement, const std::vector<Application>& lines) {
  std::set<int> used;
  for (const Application& line : lines)
    if (line.rule == Inference::Given) used.insert(line.refs[0]);
  std::vector<FormulaId> kept;
  for (const int k : used) kept.push_back(statement.premises[std::size_t(k) - 1]);
  statement.premises = kept;
}

bool few_atoms(const DeductionStatement& statement) {
  uint32_t atoms = statement.formulas.atoms(statement.goal);
  for (const FormulaId f : statement.premises) atoms |= statement.formulas.atoms(f);
  return std::popcount(atoms) <= kTableAtomsMax;
}

// A supposition that nothing uses is dull.
bool supposes_in_vain(DeductionStatement& statement, const std::vector<Application>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].rule != Inference::Impi) continue;
    const FormulaId end = statement.formulas.right(lines[i].formula);
    if (entails(statement.formulas, statement.premises, end).value_or(true)) return true;
  }
  return false;
}

bool in_shape(const Shape& shape, DeductionStatement& statement,
              const std::vector<Application>& lines) {
  const int count = int(lines.size());
  if (count < shape.low || count > shape.high) return false;
  if (statement.premises.size() > kPremisesMax || !few_atoms(statement)) return false;
  return !supposes_in_vain(statement, lines) &&
         satisfiable(statement.formulas, statement.premises).value_or(false);
}

}  // namespace

std::optional<std::vector<Application>> derive(DeductionStatement& statement, Random& random) {
  if (!entails(statement.formulas, statement.premises, statement.goal).value_or(false))
    return std::nullopt;
  return search(statement.formulas, {statement.premises, {}, statement.goal}, 1, random);
}

Proof to_proof(const Formulas& formulas, const std::vector<Application>& lines) {
  Proof proof;
  const auto add = [&](std::string body, std::string_view rule, std::vector<int> refs) {
    Line line{int(proof.lines.size()) + 1, std::move(body), std::string(rule), std::move(refs), {}};
    line.text = line_text(line);
    proof.lines.push_back(std::move(line));
  };
  for (const Application& line : lines)
    add(formulas.text(line.formula), to_text(line.rule), line.refs);
  add("goal", "", {int(lines.size())});
  return proof;
}

DeductionStatement sample_deduction(int level, Random& random) {
  const Shape& shape = kShapes[level - 1];
  const bool supposing = shape.suppositions && random.chance(kSuppositionShare);
  for (;;) {  // about one draw in five to ten is kept
    Growth growth(shape, supposing ? Way::Supposing : Way::Direct, random);
    DeductionStatement statement = growth.grown();
    if (std::ranges::count(statement.premises, statement.goal)) continue;
    auto lines = derive(statement, random);
    if (!lines || int(lines->size()) < shape.low || int(lines->size()) > shape.high) continue;
    if (uses(*lines, Inference::Impi) != supposing) continue;
    keep_used(statement, *lines);
    growth.add_distractors(statement);
    lines = derive(statement, random);
    if (lines && uses(*lines, Inference::Impi) == supposing && in_shape(shape, statement, *lines))
      return statement;
  }
}

}  // namespace theorems
