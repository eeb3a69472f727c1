#include "theorems/witness.h"

#include <fmt/format.h>

#include <algorithm>

#include "theorems/congruence_steps.h"
#include "theorems/witness_check.h"

namespace theorems {
namespace {

using Kind = WitnessClaim::Kind;
using Step = CongruenceStep;

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

// Appends these values and what they give. All that it says is true, whether or not they are a
// solution. Returns the lines that a goal then cites.
std::vector<int> append_attempt(const WitnessClaim& claim, const WitnessValues& taken,
                                Proof& proof) {
  const Integer values[] = {taken.x, taken.y};
  std::vector<int> cited;
  for (std::size_t i = 0; i < claim.variables().size(); ++i) {
    make_line(proof, fmt::format("take {} = {}", claim.variables()[i], to_text(values[i])), "take",
              {});
    cited.push_back(int(proof.lines.size()));
  }
  std::vector<Step> steps;
  for (Operation& product : claim.products(taken.x, taken.y)) {
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
  return cited;
}

// Attempt after attempt; the last one is claimed to do it.
Proof proof_with(const WitnessClaim& claim, const std::vector<WitnessValues>& attempts) {
  Proof proof;
  std::vector<int> cited;
  for (const WitnessValues& values : attempts) cited = append_attempt(claim, values, proof);
  make_line(proof, "goal", "", cited);
  return proof;
}

bool is_prime(Integer number) {
  for (Integer d = 2; d * d <= number; ++d)
    if (number % d == 0) return false;
  return number > 1;
}

// The way to a solution that needs no luck: 1, 2, 3, ... until the wanted remainder c or its
// opposite m-c comes, since a*(m-x) is opposite to a*x and (m-x)^2 equal to x^2; of factors the
// primes in turn, each with the quotient. Only the last kAttemptsMax are told.
constexpr std::size_t kAttemptsMax = 64;

std::vector<WitnessValues> search_remainders(const WitnessClaim& claim, Integer solution) {
  const Integer m = claim.modulus, wanted = claim.c % m;
  std::vector<WitnessValues> attempts;
  for (Integer x = std::min<Integer>(solution, 1);; ++x) {
    attempts.push_back({x, 0});
    if (claim.holds(x, 0)) return attempts;
    const Integer found = multiply(claim.kind == Kind::Square ? x : claim.a, x) % m;
    if (claim.kind == Kind::Linear && found + wanted == m) break;
  }
  attempts.push_back({m - attempts.back().x, 0});
  return attempts;
}

std::vector<WitnessValues> search_factors(const WitnessClaim& claim) {
  std::vector<WitnessValues> attempts;
  for (Integer a = 2;; ++a) {
    const WitnessValues values = {a, claim.c / a};
    if (is_prime(a)) attempts.push_back(values);
    if (claim.holds(values.x, values.y)) return attempts;
  }
}

// REQUIRES: `solution` is the smallest.
std::vector<WitnessValues> attempts_for(const WitnessClaim& claim, const WitnessValues& solution) {
  std::vector<WitnessValues> attempts = {solution};
  if (claim.kind == Kind::Factors) attempts = search_factors(claim);
  if (claim.modulus > 0) attempts = search_remainders(claim, solution.x);
  if (attempts.size() > kAttemptsMax)
    attempts.erase(attempts.begin(), attempts.end() - std::ptrdiff_t(kAttemptsMax));
  return attempts;
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
    const auto solutions = solve_witness(claim_, 1);
    if (solutions.empty()) return;
    std::vector<WitnessValues> attempts = attempts_for(claim_, solutions[0]);
    if (attempts.size() > 1 && random_.chance(0.4)) {
      // One that did not do it, as if it did.
      attempts.resize(std::size_t(random_.between(1, int64_t(attempts.size()) - 1)));
    } else {
      attempts.back() = other_values(attempts.back());
      if (random_.chance(0.5)) attempts = {attempts.back()};
    }
    proof_ = proof_with(claim_, attempts);
    injections_.push_back({1, "witness"});
    if (random_.chance(0.35)) force_end();
  }

  WitnessValues other_values(WitnessValues values) {
    auto& [x, y] = values;
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
    return values;
  }

  Line* find_line(std::string_view rule) {
    std::vector<Line*> found;
    for (Line& line : proof_.lines)
      if (line.rule == rule) found.push_back(&line);
    return found.empty() ? nullptr : found[std::size_t(random_.below(int64_t(found.size())))];
  }

  // The last calculation ends in the number that is wanted, come what may.
  void force_end() {
    const std::string_view rule = claim_.kind == Kind::Bezout ? "sub" : "calc";
    const auto last =
        std::ranges::find(proof_.lines.rbegin(), proof_.lines.rend(), rule, &Line::rule);
    if (last == proof_.lines.rend()) return;
    Line* line = &*last;
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

  std::optional<Proof> prove(std::string_view statement, Random&) const override {
    const WitnessClaim claim = claim_of(statement);
    const auto found = solve_witness(claim, 1);
    if (found.empty()) return std::nullopt;
    return proof_with(claim, attempts_for(claim, found[0]));
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
