#include "theorems/deduction_inference.h"

#include <algorithm>

namespace theorems {
namespace {

constexpr std::string_view kNames[] = {"given", "mp",  "mt",    "hs",      "ds",  "andi",
                                       "ande",  "ori", "cases", "suppose", "impi"};
constexpr std::size_t kUses[] = {1, 2, 2, 2, 2, 2, 1, 1, 3, 0, 2};

// More lines than that are not searched for two steps at once: only hostile proofs have them.
constexpr std::size_t kTwoStepLinesMax = 100;

void negations(Formulas& formulas, FormulaId of, std::vector<FormulaId>& out) {
  for (const FormulaId f : opposites(formulas, of)) out.push_back(f);
  std::ranges::reverse(out);
}

// What the rule gives from the two in this order.
std::vector<FormulaId> in_order(Formulas& formulas, Inference rule, FormulaId x, FormulaId y) {
  const Connective kind = formulas.kind(x);
  std::vector<FormulaId> out;
  if (rule == Inference::Ds && kind == Connective::Or) {
    if (formulas.opposed(formulas.left(x), y)) out.push_back(formulas.right(x));
    if (formulas.opposed(formulas.right(x), y)) out.push_back(formulas.left(x));
  }
  if (kind != Connective::Implies) return out;
  if (rule == Inference::Mp && formulas.left(x) == y) out.push_back(formulas.right(x));
  if (rule == Inference::Mt && formulas.opposed(formulas.right(x), y))
    negations(formulas, formulas.left(x), out);
  if (rule == Inference::Hs && formulas.kind(y) == Connective::Implies &&
      formulas.right(x) == formulas.left(y))
    out.push_back(formulas.join(Connective::Implies, formulas.left(x), formulas.right(y)));
  return out;
}

std::vector<FormulaId> by_cases(const Formulas& formulas, const std::vector<FormulaId>& from) {
  for (std::size_t i = 0; i < 3; ++i) {
    const FormulaId either = from[i], one = from[(i + 1) % 3], two = from[(i + 2) % 3];
    if (formulas.kind(either) != Connective::Or || formulas.kind(one) != Connective::Implies ||
        formulas.kind(two) != Connective::Implies || formulas.right(one) != formulas.right(two))
      continue;
    const FormulaId a = formulas.left(either), b = formulas.right(either);
    const FormulaId c = formulas.left(one), d = formulas.left(two);
    if ((a == c && b == d) || (a == d && b == c)) return {formulas.right(one)};
  }
  return {};
}

}  // namespace

std::string_view to_text(Inference rule) { return kNames[int(rule)]; }

std::optional<Inference> read_inference(std::string_view name) {
  const auto at = std::ranges::find(kNames, name);
  if (at == std::end(kNames)) return std::nullopt;
  return Inference(at - std::begin(kNames));
}

std::size_t lines_used(Inference rule) { return kUses[int(rule)]; }

std::vector<FormulaId> opposites(Formulas& formulas, FormulaId f) {
  if (formulas.kind(f) == Connective::Not) return {formulas.negation(f), formulas.left(f)};
  return {formulas.negation(f)};
}

std::vector<FormulaId> conclusions(Formulas& formulas, Inference rule,
                                   const std::vector<FormulaId>& from) {
  if (from.size() != lines_used(rule)) return {};
  const auto& f = formulas;
  switch (rule) {
    case Inference::Mp:
    case Inference::Mt:
    case Inference::Hs:
    case Inference::Ds: {
      auto out = in_order(formulas, rule, from[0], from[1]);
      return out.empty() ? in_order(formulas, rule, from[1], from[0]) : out;
    }
    case Inference::Andi:
      return {formulas.join(Connective::And, from[0], from[1])};
    case Inference::Ande:
      if (f.kind(from[0]) != Connective::And) return {};
      return {f.left(from[0]), f.right(from[0])};
    case Inference::Cases:
      return by_cases(formulas, from);
    case Inference::Impi:
      return {formulas.join(Connective::Implies, from[0], from[1])};
    case Inference::Given:
    case Inference::Ori:
    case Inference::Suppose:
      return {};
  }
  return {};
}

bool concludes(Formulas& formulas, Inference rule, const std::vector<FormulaId>& from,
               FormulaId body) {
  if (rule == Inference::Ori)
    return from.size() == 1 && formulas.kind(body) == Connective::Or &&
           (formulas.left(body) == from[0] || formulas.right(body) == from[0]);
  if (std::ranges::count(conclusions(formulas, rule, from), body) > 0) return true;
  // Two implications, or two disjunctions, can play both parts.
  const bool pair = rule == Inference::Mp || rule == Inference::Mt || rule == Inference::Hs ||
                    rule == Inference::Ds;
  return pair && from.size() == 2 &&
         std::ranges::count(in_order(formulas, rule, from[1], from[0]), body) > 0;
}

void Standing::add(FormulaId f, int line) {
  lines_.emplace_back(f, line);
  line_of_.try_emplace(f, line);
}

int Standing::line_of(FormulaId f) const {
  const auto at = line_of_.find(f);
  return at == line_of_.end() ? 0 : at->second;
}

// How `target` comes from `major`, with what else is needed for that.
void Standing::ways(FormulaId major, FormulaId target, std::vector<Way>& out) const {
  const FormulaId left = formulas_.left(major), right = formulas_.right(major);
  const auto add_way = [&](Inference rule, FormulaId second, FormulaId third = kNoFormula) {
    out.push_back({rule, {major, second, third}});
  };
  switch (formulas_.kind(major)) {
    case Connective::And:
      if (left == target || right == target) add_way(Inference::Ande, kNoFormula);
      break;
    case Connective::Implies:
      if (right == target) add_way(Inference::Mp, left);
      if (formulas_.opposed(left, target))
        for (const FormulaId o : opposites(formulas_, right)) add_way(Inference::Mt, o);
      if (formulas_.kind(target) != Connective::Implies) break;
      if (formulas_.left(target) == left)
        add_way(Inference::Hs, formulas_.join(Connective::Implies, right, formulas_.right(target)));
      if (formulas_.right(target) == right)  // here the major is the second of the two
        out.push_back({Inference::Hs,
                       {formulas_.join(Connective::Implies, formulas_.left(target), left), major,
                        kNoFormula}});
      break;
    case Connective::Or:
      if (right == target)
        for (const FormulaId o : opposites(formulas_, left)) add_way(Inference::Ds, o);
      if (left == target)
        for (const FormulaId o : opposites(formulas_, right)) add_way(Inference::Ds, o);
      add_way(Inference::Cases, formulas_.join(Connective::Implies, left, target),
              formulas_.join(Connective::Implies, right, target));
      break;
    case Connective::Atom:
    case Connective::Not:
      break;
  }
}

void Standing::ways_to_build(FormulaId target, std::vector<Way>& out) const {
  if (formulas_.kind(target) == Connective::And)
    out.push_back({Inference::Andi, {formulas_.left(target), formulas_.right(target), kNoFormula}});
  if (formulas_.kind(target) == Connective::Or) {
    out.push_back({Inference::Ori, {formulas_.left(target), kNoFormula, kNoFormula}});
    out.push_back({Inference::Ori, {formulas_.right(target), kNoFormula, kNoFormula}});
  }
}

// How many of the needed formulas are no lines, and one of them.
int Standing::missing(const Way& way, FormulaId& which) const {
  int count = 0;
  FormulaId last = kNoFormula;
  for (const FormulaId need : way.needs) {
    if (need == kNoFormula || line_of(need) || need == last) continue;
    which = last = need;
    ++count;
  }
  return count;
}

Application Standing::applied(const Way& way, FormulaId target) const {
  Application out{target, way.rule, {}};
  for (const FormulaId need : way.needs)
    if (need != kNoFormula) out.refs.push_back(line_of(need));
  return out;
}

std::optional<Application> Standing::direct(FormulaId target, bool discharge) const {
  for (std::size_t k = 0; k < premises_.size(); ++k)
    if (premises_[k] == target) return Application{target, Inference::Given, {int(k) + 1}};
  if (discharge && formulas_.kind(target) == Connective::Implies &&
      formulas_.left(target) == supposed_ && line_of(formulas_.right(target)))
    return Application{target, Inference::Impi, {supposed_line_, line_of(formulas_.right(target))}};
  std::vector<Way> found;
  for (const auto& [f, line] : lines_) ways(f, target, found);
  ways_to_build(target, found);
  FormulaId which = kNoFormula;
  for (const Way& way : found)
    if (missing(way, which) == 0) return applied(way, target);
  return std::nullopt;
}

std::optional<Application> Standing::follows(FormulaId target) const {
  return direct(target, true);
}

// What the rules that take formulas apart give from the lines in one step.
std::vector<Application> Standing::simple_steps() const {
  std::vector<Application> out;
  const auto add_step = [&](FormulaId f, Inference rule, std::vector<int> refs) {
    if (!line_of(f)) out.push_back({f, rule, std::move(refs)});
  };
  for (std::size_t k = 0; k < premises_.size(); ++k)
    add_step(premises_[k], Inference::Given, {int(k) + 1});
  for (const auto& [f, line] : lines_) {
    const Connective kind = formulas_.kind(f);
    if (kind == Connective::Atom || kind == Connective::Not) continue;
    const FormulaId left = formulas_.left(f), right = formulas_.right(f);
    if (kind == Connective::And) {
      add_step(left, Inference::Ande, {line});
      add_step(right, Inference::Ande, {line});
    }
    if (kind == Connective::Implies) {
      if (const int minor = line_of(left)) add_step(right, Inference::Mp, {line, minor});
      for (const FormulaId o : opposites(formulas_, right))
        if (const int minor = line_of(o))
          for (const FormulaId gives : opposites(formulas_, left))
            add_step(gives, Inference::Mt, {line, minor});
    }
    if (kind != Connective::Or) continue;
    for (const FormulaId o : opposites(formulas_, left))
      if (const int minor = line_of(o)) add_step(right, Inference::Ds, {line, minor});
    for (const FormulaId o : opposites(formulas_, right))
      if (const int minor = line_of(o)) add_step(left, Inference::Ds, {line, minor});
    for (const auto& [g, other] : lines_) {
      if (formulas_.kind(g) != Connective::Implies || formulas_.left(g) != left) continue;
      const int second = line_of(formulas_.join(Connective::Implies, right, formulas_.right(g)));
      if (second) add_step(formulas_.right(g), Inference::Cases, {line, other, second});
    }
  }
  return out;
}

std::optional<Step> Standing::follows_in_two(FormulaId target) const {
  if (lines_.size() > kTwoStepLinesMax) return std::nullopt;
  // A line and one formula that follows.
  std::vector<Way> found;
  for (const auto& [f, line] : lines_) ways(f, target, found);
  ways_to_build(target, found);
  for (const Way& way : found) {
    FormulaId which = kNoFormula;
    if (missing(way, which) != 1) continue;
    if (const auto first = direct(which, false)) return Step{*first, applied(way, target)};
  }
  // A formula that follows, taken apart.
  for (const Application& first : simple_steps()) {
    found.clear();
    ways(first.formula, target, found);
    for (const Way& way : found) {
      FormulaId which = kNoFormula;
      if (missing(way, which) == 1) return Step{first, applied(way, target)};
    }
  }
  if (formulas_.kind(target) == Connective::Implies && formulas_.left(target) == supposed_)
    if (const auto first = direct(formulas_.right(target), false))
      return Step{*first, Application{target, Inference::Impi, {supposed_line_, 0}}};
  // From a contradiction anything follows: A, A|B, and with !A: B.
  for (const auto& [f, line] : lines_) {
    const int against = line_of(formulas_.negation(f));
    if (!against) continue;
    const FormulaId either = formulas_.join(Connective::Or, f, target);
    return Step{{either, Inference::Ori, {line}}, Application{target, Inference::Ds, {0, against}}};
  }
  return std::nullopt;
}

}  // namespace theorems
