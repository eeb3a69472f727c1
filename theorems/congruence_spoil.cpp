#include <algorithm>
#include <utility>

#include "theorems/congruence_prove.h"

namespace theorems {
namespace {

using Kind = CongruenceStep::Kind;
using Steps = std::vector<CongruenceStep>;

// A number that somebody may have written for `right`: off by a little, a digit changed.
Integer near_number(Integer right, Integer modulus, Random& random) {
  const std::vector<Integer> deltas = {1, 2, 10, 20, 100, modulus};
  for (int attempt = 0; attempt < 20; ++attempt) {
    Integer wrong = right;
    if (random.chance(0.6)) {
      const Integer delta = random.pick(deltas);
      wrong = random.chance(0.5) ? right + delta : right - delta;
    } else {
      std::string digits = to_text(right);
      digits[std::size_t(random.below(int64_t(digits.size())))] = char('0' + random.below(10));
      wrong = read_integer(digits).value_or(right);
    }
    if (wrong >= 0 && wrong != right) return wrong;
  }
  return right + 1;
}

class Spoiler {
 public:
  Spoiler(const CongruenceClaim& claim, Steps steps, Random& random)
      : claim_(claim), steps_(std::move(steps)), random_(random) {}

  Spoilt run() {
    const double count = double(random_.below(100));
    const int errors = count < 60 ? 1 : count < 90 ? 2 : 3;
    for (int i = 0; i < errors; ++i) spoil_once();
    return {to_proof(steps_), std::move(injections_)};
  }

 private:
  void spoil_once() {
    const int64_t kind = random_.below(100);
    if (kind < 30) return spoil_value();
    if (kind < 42) return spoil_certificate();
    if (kind < 52) return slip();
    if (kind < 62) return leave_out_value();
    if (kind < 72) return spoil_reference();
    if (kind < 82) return spoil_operand();
    if (kind < 88) return miscopy();
    if (kind < 94) return leave_out_term();
    leave_out_goal();
  }

  // A random line of which `fits` holds; nothing if there is none.
  template <class Fits>
  CongruenceStep* pick(const Fits& fits) {
    std::vector<CongruenceStep*> found;
    for (CongruenceStep& step : steps_)
      if (step.kind != Kind::Goal && fits(step)) found.push_back(&step);
    return found.empty() ? nullptr : random_.pick(found);
  }

  void note(const CongruenceStep& step, std::string kind) {
    injections_.push_back({int(&step - steps_.data()) + 1, std::move(kind)});
  }

  void set_value(CongruenceStep& step, Integer stated) {
    if (step.value) step.value = stated;
    step.certificate.reset();
    if (stated >= claim_.modulus || step.left.is_number())
      step.certificate =
          Certificate{stated / claim_.modulus, claim_.modulus, stated % claim_.modulus};
  }

  // The lines behind `from` take their operands from what now stands before them.
  void carry_on(std::size_t from) {
    if (!random_.chance(0.7)) return;
    for (std::size_t i = from; i < steps_.size(); ++i) {
      CongruenceStep& step = steps_[i];
      if (step.kind == Kind::Calculation || step.kind == Kind::Goal) continue;
      Operation left = step.left;
      for (std::size_t k = 0; k < step.refs.size() && k < left.numbers.size(); ++k) {
        const std::size_t ref = std::size_t(step.refs[k] - 1);
        if (ref < i) left.numbers[k] = steps_[ref].remainder();
      }
      if (left.numbers == step.left.numbers) continue;
      step = calculated(step.kind, std::move(left), claim_.modulus, step.refs);
    }
  }
  std::size_t behind(const CongruenceStep& step) const {
    return std::size_t(&step - steps_.data()) + 1;
  }

  // A wrong value, and what follows from it.
  void spoil_value() {
    CongruenceStep* step = pick([](const CongruenceStep& s) { return s.value.has_value(); });
    if (!step) return;
    note(*step, "value");
    const Integer right = *step->value;
    const bool neighbour = step->left.operators == "*" && random_.chance(0.25);
    const Integer other = step->left.numbers.back();
    set_value(*step, neighbour ? right + (random_.chance(0.5) && right >= other ? -other : other)
                               : near_number(right, claim_.modulus, random_));
    carry_on(behind(*step));
  }

  // A wrong quotient or remainder under a right value.
  void spoil_certificate() {
    CongruenceStep* step = pick([](const CongruenceStep& s) { return s.certificate.has_value(); });
    if (!step) return;
    note(*step, "certificate");
    Certificate& c = *step->certificate;
    const int64_t way = random_.below(3);
    if (way == 0) {  // the remainder alone
      c.remainder = near_number(c.remainder, claim_.modulus, random_) % claim_.modulus;
    } else {  // a wrong quotient, the remainder to match or as it falls
      const Integer value = c.quotient * c.modulus + c.remainder;
      c.quotient = near_number(c.quotient, 3, random_);
      const Integer rest = value - c.quotient * c.modulus;
      c.remainder = way == 1 && rest >= 0 ? rest : Integer(random_.below(int64_t(claim_.modulus)));
    }
    carry_on(behind(*step));
  }

  // A wrong number in a line whose remainder stays right.
  void slip() {
    CongruenceStep* step =
        pick([](const CongruenceStep& s) { return s.certificate && s.value.has_value(); });
    if (!step) return;
    note(*step, "slip");
    if (random_.chance(0.6))
      step->value = near_number(*step->value, claim_.modulus, random_);
    else
      step->certificate->quotient = near_number(step->certificate->quotient, 3, random_);
  }

  void leave_out_value() {
    CongruenceStep* step =
        pick([](const CongruenceStep& s) { return s.certificate && s.value.has_value(); });
    if (!step) return;
    note(*step, "intermediate");
    step->value.reset();
  }

  void spoil_reference() {
    CongruenceStep* step = pick([](const CongruenceStep&) { return true; });
    if (!step) return;
    note(*step, "reference");
    if (step->refs.empty() || random_.chance(0.5)) {
      step->rule.clear();
    } else {
      int& ref = step->refs[std::size_t(random_.below(int64_t(step->refs.size())))];
      ref = 1 + int(random_.below(int64_t(steps_.size())));
    }
  }

  // An addition whose operand is not what the line says that it cites.
  void spoil_operand() {
    CongruenceStep* step =
        pick([](const CongruenceStep& s) { return s.kind != Kind::Calculation; });
    if (!step) return spoil_value();
    note(*step, "operand");
    Operation left = step->left;
    const std::size_t place = step->kind == Kind::Addition ? std::size_t(random_.below(2)) : 0;
    left.numbers[place] =
        random_.chance(0.5)
            ? near_number(left.numbers[place], claim_.modulus, random_)
            : steps_[std::size_t(random_.below(int64_t(behind(*step))))].remainder();
    *step = calculated(step->kind, std::move(left), claim_.modulus, step->refs);
    carry_on(behind(*step));
  }

  // A term that does not stand in the statement.
  void miscopy() {
    CongruenceStep* step =
        pick([](const CongruenceStep& s) { return s.kind == Kind::Calculation; });
    if (!step) return;
    note(*step, "miscopy");
    Operation left = step->left;
    left.numbers[0] = std::max<Integer>(1, near_number(left.numbers[0], 10, random_));
    *step = calculated(step->kind, std::move(left), claim_.modulus, step->refs);
    carry_on(behind(*step));
  }

  // The last term is left out, as if the sum ended before it.
  void leave_out_term() {
    if (claim_.terms.size() < 2 || !injections_.empty()) return spoil_value();
    CongruenceClaim shorter = claim_;
    shorter.terms.erase(shorter.terms.begin() + random_.below(int64_t(shorter.terms.size())));
    Integer sum = 0;
    for (const Operation& term : shorter.terms) sum += value(term);
    shorter.residue = sum % shorter.modulus;
    steps_ = *prove_congruence(shorter);
    injections_.push_back({0, "missing"});
  }

  void leave_out_goal() {
    if (steps_.back().kind != Kind::Goal || steps_.size() < 2) return spoil_value();
    injections_.push_back({0, "goal"});
    steps_.pop_back();
  }

  const CongruenceClaim& claim_;
  Steps steps_;
  Random& random_;
  std::vector<Injection> injections_;
};

}  // namespace

Spoilt spoil_congruence(const CongruenceClaim& claim, const Proof& proof, Random& random) {
  Steps steps;
  for (const Line& line : proof.lines)
    if (auto step = read_step(line)) steps.push_back(std::move(*step));
  return Spoiler(claim, std::move(steps), random).run();
}

}  // namespace theorems
