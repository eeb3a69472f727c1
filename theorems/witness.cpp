#include "theorems/witness.h"

#include <fmt/format.h>

#include <algorithm>

#include "theorems/congruence_steps.h"
#include "theorems/witness_check.h"

namespace theorems {
namespace {

using Kind = WitnessClaim::Kind;
using Step = CongruenceStep;

constexpr std::size_t kSolutionsMax = 16;

WitnessClaim claim_of(std::string_view statement) {
  return std::get<WitnessClaim>(read_witness(statement));
}

Line make_line(Proof& proof, std::string body, std::string rule, std::vector<int> refs) {
  Line line{.number = int(proof.lines.size()) + 1,
            .body = std::move(body),
            .rule = std::move(rule),
            .refs = std::move(refs)};
  line.text = line_text(line);
  proof.lines.push_back(line);
  return line;
}

// The proof that these values call for, whether or not they are a solution: all that it says is
// true, except perhaps its end.
Proof proof_with(const WitnessClaim& claim, Integer x, Integer y) {
  Proof proof;
  const Integer values[] = {x, y};
  std::vector<int> cited;
  for (std::size_t i = 0; i < claim.variables().size(); ++i) {
    make_line(proof, fmt::format("take {} = {}", claim.variables()[i], to_text(values[i])), "take",
              {});
    cited.push_back(int(proof.lines.size()));
  }
  std::vector<Step> steps;
  for (Operation& product : claim.products(x, y)) {
    steps.push_back(calculated(Step::Kind::Calculation, std::move(product), claim.modulus, {}));
    Line line = to_line(steps.back(), int(proof.lines.size()) + 1);
    proof.lines.push_back(std::move(line));
  }
  const int last = int(proof.lines.size());
  if (claim.kind == Kind::Bezout) {
    const Integer first = steps[0].remainder(), second = steps[1].remainder();
    make_line(proof,
              fmt::format("{}-{} = {}", to_text(first), to_text(second),
                          to_text(subtract(first, second))),
              "sub", {last - 1, last});
  }
  cited.push_back(int(proof.lines.size()));
  make_line(proof, "goal", "", cited);
  return proof;
}

Integer near_number(Integer right, Random& random) {
  const std::vector<Integer> deltas = {1, 1, 2, 3, 10};
  const Integer delta = random.pick(deltas);
  return random.chance(0.5) && right >= delta ? right - delta : right + delta;
}

void renew(Line& line) { line.text = line_text(line); }

class Spoiler {
 public:
  Spoiler(const WitnessClaim& claim, Proof proof, Random& random)
      : claim_(claim), proof_(std::move(proof)), random_(random) {}

  Spoilt run() {
    const double count = double(random_.below(100));
    const int errors = count < 70 ? 1 : count < 92 ? 2 : 3;
    for (int i = 0; i < errors; ++i) spoil_once();
    return {std::move(proof_), std::move(injections_)};
  }

 private:
  void spoil_once() {
    const int64_t kind = random_.below(100);
    if (kind < 40 && injections_.empty()) return wrong_witness();
    if (kind < 60) return spoil_number();
    if (kind < 72) return slip();
    if (kind < 82) return leave_out_value();
    if (kind < 93) return spoil_reference();
    leave_out_goal();
  }

  // Another value, all else calculated truly, or made to fit at the end.
  void wrong_witness() {
    const auto taken = solve_witness(claim_, 1);
    if (taken.empty()) return;
    Integer x = taken[0].x, y = taken[0].y;
    const Integer end = claim_.modulus > 0 ? claim_.modulus : 60;
    if (random_.chance(0.5))
      x = Integer(random_.between(claim_.kind == Kind::Factors ? 2 : 1, int64_t(end) - 1));
    else
      x = near_number(x, random_);
    if (claim_.kind == Kind::Factors) y = claim_.c / std::max<Integer>(x, 1);
    if (claim_.kind == Kind::Bezout) {
      if (random_.chance(0.5)) y = near_number(y, random_);
      y = std::min(y, claim_.a * x / claim_.b);  // differences are not negative
    }
    proof_ = proof_with(claim_, x, y);
    injections_.push_back({1, "witness"});
    if (random_.chance(0.35)) force_end();
  }

  Line* find_line(std::string_view rule) {
    std::vector<Line*> found;
    for (Line& line : proof_.lines)
      if (line.rule == rule) found.push_back(&line);
    return found.empty() ? nullptr : found[std::size_t(random_.below(int64_t(found.size())))];
  }

  // The last calculation ends in the number that is wanted, come what may.
  void force_end() {
    Line* line = find_line(claim_.kind == Kind::Bezout ? "sub" : "calc");
    if (!line) return;
    if (auto step = read_step(*line); step && claim_.kind != Kind::Bezout) {
      if (step->certificate)
        step->certificate->remainder = claim_.c % claim_.modulus;
      else
        step->value = claim_.modulus > 0 ? claim_.c % claim_.modulus : claim_.c;
      *line = to_line(*step, line->number);
    } else if (claim_.kind == Kind::Bezout) {
      line->body = line->body.substr(0, line->body.find('=') + 1) + " " + to_text(claim_.c);
      renew(*line);
    }
    injections_.push_back({line->number, "forced"});
  }

  void spoil_number() {
    Line* line = find_line("calc");
    auto step = line ? read_step(*line) : std::nullopt;
    if (!step || !step->value) return;
    const Integer stated = near_number(*step->value, random_);
    step->value = stated;
    if (claim_.modulus > 0 && random_.chance(0.7)) {
      step->certificate.reset();
      if (stated >= claim_.modulus)
        step->certificate =
            Certificate{stated / claim_.modulus, claim_.modulus, stated % claim_.modulus};
    }
    *line = to_line(*step, line->number);
    injections_.push_back({line->number, "value"});
  }

  void slip() {
    Line* line = find_line("calc");
    auto step = line ? read_step(*line) : std::nullopt;
    if (!step || !step->certificate) return spoil_number();
    step->certificate->quotient = near_number(step->certificate->quotient, random_);
    *line = to_line(*step, line->number);
    injections_.push_back({line->number, "slip"});
  }

  void leave_out_value() {
    Line* line = find_line("calc");
    auto step = line ? read_step(*line) : std::nullopt;
    if (!step || !step->certificate || !step->value) return spoil_number();
    step->value.reset();
    *line = to_line(*step, line->number);
    injections_.push_back({line->number, "intermediate"});
  }

  void spoil_reference() {
    Line& line = proof_.lines[std::size_t(random_.below(int64_t(proof_.lines.size())))];
    if (line.body == "goal" && line.refs.empty()) return;
    if (line.body == "goal")
      line.refs.erase(line.refs.begin() + random_.below(int64_t(line.refs.size())));
    else
      line.rule.clear();
    renew(line);
    injections_.push_back({line.number, "reference"});
  }

  void leave_out_goal() {
    if (proof_.lines.size() < 2 || proof_.lines.back().body != "goal") return;
    proof_.lines.pop_back();
    injections_.push_back({0, "goal"});
  }

  const WitnessClaim& claim_;
  Proof proof_;
  Random& random_;
  std::vector<Injection> injections_;
};

class Rules final : public FamilyRules {
 public:
  std::variant<std::string, NotOfFamily> read(std::string_view ascii) const override {
    auto claim = read_witness(ascii);
    if (auto* reason = std::get_if<NotOfFamily>(&claim)) return std::move(*reason);
    return to_text(std::get<WitnessClaim>(claim));
  }

  std::string sample(int level, Random& random) const override {
    return to_text(sample_witness(level, random));
  }

  std::string canonical(std::string_view statement) const override {
    return to_text(claim_of(statement));
  }

  std::optional<Proof> prove(std::string_view statement, Random& random) const override {
    const WitnessClaim claim = claim_of(statement);
    // Of an equation the smallest solution is what one writes; of a congruence any.
    const auto found = solve_witness(claim, claim.kind == Kind::Bezout ? 1 : kSolutionsMax);
    if (found.empty()) return std::nullopt;
    const WitnessValues& values = random.pick(found);
    return proof_with(claim, values.x, values.y);
  }

  std::vector<LineReport> check(std::string_view statement, const Proof& proof) const override {
    return check_witness(claim_of(statement), proof);
  }

  Spoilt spoil(std::string_view statement, const Proof& proof, Random& random) const override {
    const WitnessClaim claim = claim_of(statement);
    return Spoiler(claim, proof, random).run();
  }

  std::string to_tex(std::string_view statement) const override {
    const WitnessClaim claim = claim_of(statement);
    const std::string c = to_text(claim.c), modulus = to_text(claim.modulus);
    switch (claim.kind) {
      case Kind::Linear:
        return fmt::format("Find $x$: ${} \\cdot x \\equiv {} \\pmod{{{}}}$", to_text(claim.a), c,
                           modulus);
      case Kind::Square:
        return fmt::format("Find $x$: $x^2 \\equiv {} \\pmod{{{}}}$", c, modulus);
      case Kind::Factors:
        return fmt::format("Find $a, b > 1$: $a \\cdot b = {}$", c);
      case Kind::Bezout:
        return fmt::format("Find $x, y$: ${} \\cdot x - {} \\cdot y = {}$", to_text(claim.a),
                           to_text(claim.b), c);
    }
    return "";
  }
};

}  // namespace

const FamilyRules& witness_rules() {
  static const Rules rules;
  return rules;
}

}  // namespace theorems
