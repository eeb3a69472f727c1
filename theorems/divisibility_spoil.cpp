#include "theorems/divisibility_spoil.h"

#include <algorithm>

#include "theorems/spoiling.h"

namespace theorems {
namespace {

constexpr double kGaps = 0.65;       // share of the injections
constexpr double kPropagated = 0.7;  // of wrong values
constexpr int kTriesMax = 20;

bool is_goal(const Line& line) { return line.body == "goal"; }
bool is_case(const Line& line) { return line.body.starts_with("case"); }

class Spoiler {
 public:
  Spoiler(const DivisibilityClaim& claim, const Proof& proof, Random& random)
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
    if (kind == "missing") return remove_case();
    if (kind == "twice") return repeat_case();
    if (kind == "no goal") return remove_goal();
    if (kind == "forced") return force_goal();
    if (kind == "other") return prove_other();
    if (kind == "order") return cite_goal();
    if (kind == "reference") return spoil_reference();
    return spoil_case(kind);
  }

  Line* pick(bool (*is_of_kind)(const Line&)) {
    const auto places = places_of(spoilt_.proof, is_of_kind);
    return places.empty() ? nullptr : &spoilt_.proof.lines[random_.pick(places)];
  }

  std::optional<int> spoil_case(std::string_view kind) {
    Line* line = pick(is_case);
    if (line == nullptr) return std::nullopt;
    auto read = read_case(line->body, claim_.terms.size());
    if (!read || !read->values || !read->sum || !read->certificate || read->values->empty())
      return std::nullopt;
    if (kind == "value") spoil_value(*read);
    if (kind == "sum") spoil_sum(*read);
    if (kind == "quotient") spoil_quotient(*read);
    if (kind == "modulus") read->certificate->modulus = changed_number(claim_.modulus, 1, random_);
    if (kind == "slip") {
      if (!read->partial_sums.empty() && random_.chance(0.4))
        spoil_partial_sum(*read);
      else if (read->values->size() > 1 && random_.chance(0.5))
        change((*read->values)[drawn_place(read->values->size())]);
      else
        change(*read->sum);
    }
    if (kind == "term" && !drop_term(*read)) return std::nullopt;
    if (kind == "intermediate" && !drop_intermediate(*read)) return std::nullopt;
    line->body = to_text(*read);
    renew_text(*line);
    return line->number;
  }

  std::size_t drawn_place(std::size_t count) { return std::size_t(random_.below(int64_t(count))); }
  void change(Integer& number) { number = changed_number(number, claim_.modulus, random_); }

  void spoil_value(CaseLine& line) {
    const std::size_t i = drawn_place(line.values->size());
    Integer& value = (*line.values)[i];
    const Integer before = value;
    const auto& [coefficient, degree] = claim_.terms[std::min(i, claim_.terms.size() - 1)];
    if (random_.chance(0.3))  // that of a neighbour
      value = multiply(coefficient, power(line.residue + 1, degree));
    if (value == before) change(value);
    if (!random_.chance(kPropagated)) return;
    line.sum = 0;
    for (const Integer v : *line.values) line.sum = add(*line.sum, v);
    line.partial_sums = partial_sums(*line.values);
    divide_on(line);
  }

  // Where the sum is built up, mostly from a wrong partial sum on.
  void spoil_sum(CaseLine& line) {
    if (!line.partial_sums.empty() && random_.chance(0.7)) {
      const std::size_t from = drawn_place(line.partial_sums.size());
      std::vector<Integer> partial = line.partial_sums[from];
      change(partial.front());
      line.sum = 0;
      for (const Integer v : partial) line.sum = add(*line.sum, v);
      line.partial_sums.resize(from);
      const auto rest = partial_sums(partial);
      line.partial_sums.push_back(std::move(partial));
      line.partial_sums.insert(line.partial_sums.end(), rest.begin(), rest.end());
    } else {
      change(*line.sum);
    }
    if (random_.chance(kPropagated)) divide_on(line);
  }

  void spoil_partial_sum(CaseLine& line) {
    std::vector<Integer>& partial = line.partial_sums[drawn_place(line.partial_sums.size())];
    change(partial[drawn_place(partial.size())]);
  }

  void divide_on(CaseLine& line) {
    line.certificate->quotient = divide(*line.sum + claim_.modulus / 2, claim_.modulus).quotient;
  }

  void spoil_quotient(CaseLine& line) {
    line.certificate->quotient = changed_number(line.certificate->quotient, 1, random_);
  }

  bool drop_term(CaseLine& line) {
    if (line.values->size() < 3) return false;
    line.values->erase(line.values->begin() + random_.below(int64_t(line.values->size())));
    line.partial_sums.clear();
    return true;
  }

  bool drop_intermediate(CaseLine& line) {
    line.partial_sums.clear();
    const int64_t way = random_.below(5);
    if (line.values->size() == 1 || way == 0)
      line.certificate.reset();
    else if (way < 3)
      line.values.reset();
    else
      line.sum.reset();
    return true;
  }

  std::optional<int> remove_case() {
    const auto places = places_of(spoilt_.proof, is_case);
    if (places.size() < 2) return std::nullopt;
    remove_line(spoilt_.proof, random_.pick(places));
    return 0;
  }

  // A residue twice, another not at all.
  std::optional<int> repeat_case() {
    const auto places = places_of(spoilt_.proof, is_case);
    if (places.size() < 2) return std::nullopt;
    const std::size_t i = drawn_place(places.size() - 1);
    Line& line = spoilt_.proof.lines[places[i + 1]];
    line.body = spoilt_.proof.lines[places[i]].body;
    renew_text(line);
    return line.number;
  }

  std::optional<int> remove_goal() {
    if (spoilt_.proof.lines.size() < 2 || !is_goal(spoilt_.proof.lines.back())) return std::nullopt;
    spoilt_.proof.lines.pop_back();
    return 0;
  }

  // A few cases, and then the goal.
  std::optional<int> force_goal() {
    Proof& proof = spoilt_.proof;
    if (proof.lines.size() < 3 || !is_goal(proof.lines.back())) return std::nullopt;
    Line goal = proof.lines.back();
    proof.lines.resize(std::size_t(random_.between(1, int64_t(proof.lines.size()) - 2)));
    goal.number = int(proof.lines.size()) + 1;
    std::erase_if(goal.refs, [&](int ref) { return ref >= goal.number; });
    if (random_.chance(0.5)) goal.refs.clear();
    renew_text(goal);
    proof.lines.push_back(std::move(goal));
    return proof.lines.back().number;
  }

  std::optional<int> cite_goal() {
    Line* goal = pick(is_goal);
    if (goal == nullptr) return std::nullopt;
    cite_later(*goal, random_);
    return goal->number;
  }

  std::optional<int> spoil_reference() {
    Line* line = random_.chance(0.6) ? pick(is_goal) : pick(is_case);
    if (line == nullptr || !drop_reference(*line, random_)) return std::nullopt;
    return line->number;
  }

  // The cases of a claim with another coefficient, divided as far as it goes.
  std::optional<int> prove_other() {
    if (!spoilt_.injections.empty()) return std::nullopt;
    DivisibilityClaim other = claim_;
    Term& term = other.terms[drawn_place(other.terms.size())];
    term.coefficient = changed_number(term.coefficient, 1, random_);
    for (Line& line : spoilt_.proof.lines) {
      const auto read = is_case(line) ? read_case(line.body, claim_.terms.size()) : std::nullopt;
      if (!read) continue;
      CaseLine right = right_case(other, read->residue);
      right.certificate = CaseLine::Certificate{0, claim_.modulus};
      divide_on(right);
      line.body = to_text(right);
      renew_text(line);
    }
    return 0;
  }

  const DivisibilityClaim& claim_;
  Random& random_;
  Spoilt spoilt_;
};

const std::vector<WeightedKind> Spoiler::kGapKinds = {
    {"intermediate", 4}, {"reference", 4}, {"no goal", 3}, {"slip", 4}};
const std::vector<WeightedKind> Spoiler::kErrors = {
    {"value", 4},  {"sum", 3},  {"quotient", 4}, {"missing", 4}, {"twice", 1},
    {"forced", 2}, {"term", 1}, {"order", 1},    {"other", 2},   {"modulus", 1}};

}  // namespace

Spoilt spoil_divisibility(const DivisibilityClaim& claim, const Proof& proof, Random& random) {
  return Spoiler(claim, proof, random).run();
}

}  // namespace theorems
