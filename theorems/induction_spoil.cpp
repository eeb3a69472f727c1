#include "theorems/induction_spoil.h"

#include <array>

#include "theorems/induction_lines.h"
#include "theorems/spoiling.h"

namespace theorems {
namespace {

using Part = InductionPart;

constexpr double kGaps = 0.62;       // share of the injections
constexpr double kPropagated = 0.7;  // of wrong values
constexpr int kTriesMax = 20;

class Spoiler {
 public:
  Spoiler(const InductionClaim& claim, const Proof& proof, Random& random)
      : claim_(claim), random_(random) {
    spoilt_.proof = proof;
  }

  Spoilt run() {
    const int errors = draw_error_count(random_);
    for (int tries = 0; tries < kTriesMax && int(spoilt_.injections.size()) < errors; ++tries) {
      const std::string_view kind = draw_kind(random_.chance(kGaps) ? kGapKinds : kErrors, random_);
      if (const auto line = inject(kind)) spoilt_.injections.push_back({*line, std::string(kind)});
    }
    return std::move(spoilt_);
  }

 private:
  static const std::vector<WeightedKind> kGapKinds;
  static const std::vector<WeightedKind> kErrors;

  // The line's number, 0 for the whole; nothing if this cannot be done here.
  std::optional<int> inject(std::string_view kind) {
    try {
      return spoil_as(kind);
    } catch (const TooLarge&) {  // of numbers near the limit
      return std::nullopt;
    }
  }

  std::optional<int> spoil_as(std::string_view kind) {
    if (kind == "reference") return spoil_reference();
    if (kind == "merged") return remove(Part::Next);
    if (kind == "missing") return remove(Part(random_.below(kInductionGoalParts)));
    if (kind == "no goal") return remove_goal();
    if (kind == "forced") return force_goal();
    if (kind == "order") return spoil_order();
    if (kind == "other") return prove_other();
    if (kind == "operand") return spoil_operand();
    if (kind == "base" || (kind != "result" && random_.chance(0.3))) return spoil_base(kind);
    return spoil_collected(kind);
  }

  Line* find(Part part) {
    for (Line& line : spoilt_.proof.lines)
      if (part_of(line.body) == part) return &line;
    return nullptr;
  }
  Line* goal() {
    Line& last = spoilt_.proof.lines.back();
    return last.body == "goal" ? &last : nullptr;
  }

  std::size_t groups_of(Part part) const {
    return part == Part::Step ? 2 : (part == Part::Next ? claim_.summand : claim_.closed).size();
  }
  std::optional<CollectedLine> read(const Line* line, Part part) const {
    if (line == nullptr) return std::nullopt;
    auto collected = read_collected(line->body, groups_of(part));
    if (!collected || !collected->groups || collected->groups->empty()) return std::nullopt;
    return collected;
  }
  static void write(Line& line, Part part, const CollectedLine& collected) {
    line.body = to_text(part, collected);
    renew_text(line);
  }

  void change(Integer& number) { number = changed_number(number, 2, random_); }

  void change(Polynomial& a) {
    if (a.coefficients.empty()) {
      a = monomial(1, 0);
      return;
    }
    const int degree = int(random_.below(a.degree() + 1));
    Integer coefficient = a.coefficient(degree);
    change(coefficient);
    a = add(a, monomial(subtract(coefficient, a.coefficient(degree)), degree));
  }

  std::optional<int> spoil_base(std::string_view kind) {
    Line* line = find(Part::Base);
    auto base = line ? read_base(line->body, claim_) : std::nullopt;
    if (!base || !base->left || !base->right) return std::nullopt;
    if (kind == "intermediate") {
      if (!base->sum) return std::nullopt;
      if (base->left->size() > 1 && random_.chance(0.4))
        base->left.reset();
      else
        base->sum.reset();
    } else if (kind == "slip") {
      if (!base->sum) return std::nullopt;
      change(random_.chance(0.5) ? *base->sum : base->left->front());
    } else {
      std::vector<Integer>& side = random_.chance(0.5) ? *base->left : *base->right;
      change(side[std::size_t(random_.below(int64_t(side.size())))]);
      if (&side == &*base->left && base->sum && random_.chance(kPropagated)) {
        base->sum = 0;
        for (const Integer value : *base->left) base->sum = add(*base->sum, value);
      }
    }
    line->body = to_text(*base);
    renew_text(*line);
    return line->number;
  }

  std::optional<int> spoil_collected(std::string_view kind) {
    constexpr std::array kParts = {Part::Next, Part::Step, Part::Claim};
    const Part part = kParts[std::size_t(random_.below(3))];
    Line* line = find(part);
    auto collected = read(line, part);
    if (!collected) return std::nullopt;
    std::vector<Polynomial>& groups = *collected->groups;
    const bool single = groups.size() == 1;
    if (kind == "intermediate") {
      if (single) return std::nullopt;
      collected->groups.reset();
    } else if (kind == "result") {
      change(collected->result);
      if (single) groups.front() = collected->result;
    } else {  // in a group: "slip", "value", "term"
      if (single && kind != "value") return std::nullopt;
      const std::size_t i = std::size_t(random_.below(int64_t(groups.size())));
      if (kind == "term")
        groups.erase(groups.begin() + std::ptrdiff_t(i));
      else
        change(groups[i]);
      if (kind != "slip" && (single || random_.chance(kPropagated)))
        collected->result = sum_of(groups);
    }
    write(*line, part, *collected);
    if (part == Part::Next && kind != "intermediate" && kind != "slip" &&
        random_.chance(kPropagated))
      carry_on(collected->result);
    return line->number;
  }

  // The step takes over what the next line says; at times its sum is bent to what is wanted.
  void carry_on(const Polynomial& next) {
    Line* line = find(Part::Step);
    auto step = read(line, Part::Step);
    if (!step || step->groups->size() != 2) return;
    step->groups->back() = next;
    if (random_.chance(kPropagated)) step->result = sum_of(*step->groups);
    write(*line, Part::Step, *step);
  }

  std::optional<int> spoil_operand() {
    Line* line = find(Part::Step);
    auto step = read(line, Part::Step);
    if (!step || step->groups->size() != 2) return std::nullopt;
    change(step->groups->at(random_.chance(0.5) ? 0 : 1));
    step->result = sum_of(*step->groups);
    write(*line, Part::Step, *step);
    return line->number;
  }

  std::optional<int> remove(Part part) {
    const Line* line = find(part);
    if (line == nullptr || spoilt_.proof.lines.size() < 3) return std::nullopt;
    remove_line(spoilt_.proof, std::size_t(line->number - 1));
    return 0;
  }

  std::optional<int> remove_goal() {
    if (goal() == nullptr || spoilt_.proof.lines.size() < 2) return std::nullopt;
    spoilt_.proof.lines.pop_back();
    return 0;
  }

  // One or two lines, and then the goal.
  std::optional<int> force_goal() {
    Proof& proof = spoilt_.proof;
    if (goal() == nullptr || proof.lines.size() < 4) return std::nullopt;
    while (proof.lines.size() > 3 || random_.chance(0.4)) {
      if (proof.lines.size() < 3) break;
      remove_line(proof, std::size_t(random_.below(int64_t(proof.lines.size()) - 1)));
    }
    Line& last = proof.lines.back();
    if (random_.chance(0.6)) last.refs.clear();
    renew_text(last);
    return last.number;
  }

  std::optional<int> spoil_order() {
    Line* line = random_.chance(0.5) ? goal() : find(Part::Step);
    if (line == nullptr) return std::nullopt;
    cite_later(*line, random_);
    return line->number;
  }

  std::optional<int> spoil_reference() {
    Proof& proof = spoilt_.proof;
    Line& line = proof.lines[std::size_t(random_.below(int64_t(proof.lines.size())))];
    if (!drop_reference(line, random_)) return std::nullopt;
    return line.number;
  }

  // The lines of a claim with another summand or another closed form.
  std::optional<int> prove_other() {
    if (!spoilt_.injections.empty()) return std::nullopt;
    InductionClaim other = claim_;
    Terms& terms = random_.chance(0.5) ? other.summand : other.closed;
    Integer& coefficient = terms[std::size_t(random_.below(int64_t(terms.size())))].coefficient;
    change(coefficient);
    if (coefficient == 0) coefficient = 1;
    for (Line& line : spoilt_.proof.lines) {
      const auto part = part_of(line.body);
      if (!part) continue;
      line.body = *part == Part::Base ? to_text(right_base(other))
                                      : to_text(*part, right_collected(*part, other));
      renew_text(line);
    }
    return 0;
  }

  const InductionClaim& claim_;
  Random& random_;
  Spoilt spoilt_;
};

const std::vector<WeightedKind> Spoiler::kGapKinds = {
    {"intermediate", 4}, {"reference", 4}, {"no goal", 3}, {"slip", 4}, {"merged", 3}};
const std::vector<WeightedKind> Spoiler::kErrors = {{"base", 3},    {"value", 5},   {"result", 4},
                                                    {"operand", 2}, {"missing", 4}, {"forced", 2},
                                                    {"term", 1},    {"order", 1},   {"other", 2}};

}  // namespace

Spoilt spoil_induction(const InductionClaim& claim, const Proof& proof, Random& random) {
  return Spoiler(claim, proof, random).run();
}

}  // namespace theorems
