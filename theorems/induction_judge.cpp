#include "theorems/induction_judge.h"

#include <algorithm>

#include "theorems/working.h"

namespace theorems {
namespace {

Integer magnitude(Integer a) { return a < 0 ? -a : a; }

Integer total(const std::vector<Integer>& values) {
  Integer sum = 0;
  for (const Integer value : values) sum = add(sum, value);
  return sum;
}

void set(LineReport& report, Status status, Defect defect) {
  report.status = status;
  report.defect = defect;
}

// "4-1=3"; a single value stands alone.
void add_sum(Working& working, const std::vector<Integer>& values) {
  Integer sum = values[0];
  if (values.size() == 1) working.add(to_text(sum));
  for (std::size_t i = 1; i < values.size(); ++i) {
    working.add(signed_sum(sum, values[i]));
    sum = add(sum, values[i]);
  }
}

// How many of the values differ; those are written down.
int compare(Working& working, const std::optional<std::vector<Integer>>& stated,
            const std::vector<Integer>& right) {
  if (!stated || stated->size() != right.size()) return 0;
  int wrong = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    if ((*stated)[i] == right[i]) continue;
    ++wrong;
    working.add(to_text(right[i]));
    working.differs(to_text((*stated)[i]));
  }
  return wrong;
}

void add_factors(Working& working, const InductionClaim& claim) {
  if (claim.factor == 1) return;
  for (const Term& term : claim.summand)
    if (const Integer size = magnitude(term.coefficient); size != 1)
      working.add(signed_product(claim.factor, size));
}

int differences(const Polynomial& a, const Polynomial& b) {
  int count = 0;
  for (int d = 0; d <= std::max(a.degree(), b.degree()); ++d)
    count += a.coefficient(d) != b.coefficient(d) ? 1 : 0;
  return count;
}

// "1 2 1 3*2=6 not 5": the binomial row and its products for one term.
void add_expansion(Working& working, const Term& term, const Polynomial& right,
                   const Polynomial* stated) {
  const Polynomial row = shifted(monomial(1, term.degree));
  if (term.degree >= 2)
    for (int d = term.degree; d >= 0; --d) working.add(to_text(row.coefficient(d)));
  const int highest = std::max(term.degree, stated ? stated->degree() : 0);
  for (int d = highest; d >= 0; --d) {
    const Integer value = right.coefficient(d);
    const bool inner = d > 0 && 2 * d >= term.degree && d < term.degree;
    const bool multiplied = inner && term.coefficient != 1 && term.coefficient != -1;
    if (multiplied) {
      working.add(signed_product(magnitude(term.coefficient), row.coefficient(d)));
    }
    if (!stated || stated->coefficient(d) == value) continue;
    if (!multiplied) working.add(to_text(value));
    working.differs(to_text(stated->coefficient(d)));
  }
}

// Collects the groups, one power after the other: "2; 4+1=5; 2+1=3 not 4".
void add_collection(Working& working, const std::vector<Polynomial>& groups,
                    const Polynomial& stated) {
  int highest = stated.degree();
  for (const Polynomial& group : groups) highest = std::max(highest, group.degree());
  for (int d = std::max(highest, 0); d >= 0; --d) {
    std::vector<Integer> values;
    for (const Polynomial& group : groups)
      if (group.coefficient(d) != 0) values.push_back(group.coefficient(d));
    if (values.empty()) values.push_back(0);
    working.next_group();
    add_sum(working, values);
    if (total(values) != stated.coefficient(d)) working.differs(to_text(stated.coefficient(d)));
  }
}

// Where the number of groups is not the one expected.
void judge_shape(LineReport& report, Working& working, const std::vector<Polynomial>& groups,
                 const std::vector<Polynomial>& right) {
  working.next_group();
  working.add(std::to_string(right.size()));
  working.differs(std::to_string(groups.size()));
  if (sum_of(groups) == sum_of(right))
    set(report, Status::Gap, Defect::NoIntermediate);
  else
    set(report, Status::Wrong, groups.size() < right.size() ? Defect::Missing : Defect::Value);
}

void judge_base_values(LineReport& report, const InductionClaim& claim, const BaseLine& line,
                       const BaseLine& right, int wrong_left, int wrong_right) {
  const bool short_left = line.left && line.left->size() < right.left->size();
  const bool short_right = line.right && line.right->size() < right.right->size();
  const bool misshapen = (line.left && line.left->size() != right.left->size()) ||
                         (line.right && line.right->size() != right.right->size());
  const bool wrong_sum = line.sum && *line.sum != *right.sum;
  const bool both_many = claim.summand.size() > 1 && claim.closed.size() > 1;
  const bool wrong_total = total(*right.left) != total(*right.right);
  const bool several_wrong = wrong_right > 0 || wrong_left + (wrong_sum ? 1 : 0) > 1 ||
                             (wrong_left == 1 && !line.sum) ||
                             (wrong_sum && !(line.left && line.right));
  if (misshapen && !wrong_total)
    set(report, Status::Wrong, short_left || short_right ? Defect::Missing : Defect::Value);
  else if (wrong_total || several_wrong)
    set(report, Status::Wrong, Defect::Value);
  else if (wrong_left == 1 || wrong_sum)
    set(report, Status::Gap, Defect::Slip);
  else if (!line.left || !line.right || (!line.sum && both_many))
    set(report, Status::Gap, Defect::NoIntermediate);
}

}  // namespace

LineReport judge_base(const InductionClaim& claim, const BaseLine& line) {
  const BaseLine right = right_base(claim);
  Working working;
  add_factors(working, claim);
  const int wrong_left = compare(working, line.left, *right.left);
  working.next_group();
  add_sum(working, *right.left);
  if (line.left && line.left->size() != right.left->size()) {
    working.add(std::to_string(right.left->size()));
    working.differs(std::to_string(line.left->size()));
  }
  if (line.sum && *line.sum != *right.sum) working.differs(to_text(*line.sum));
  working.next_group();
  const int wrong_right = compare(working, line.right, *right.right);
  working.next_group();
  add_sum(working, *right.right);
  if (line.right && line.right->size() != right.right->size()) {
    working.add(std::to_string(right.right->size()));
    working.differs(std::to_string(line.right->size()));
  }
  if (total(*right.right) != *right.sum) working.differs(to_text(*right.sum));
  LineReport report;
  judge_base_values(report, claim, line, right, wrong_left, wrong_right);
  if (report.defect == Defect::NoIntermediate) working.none();
  if (report.status != Status::Ok) report.remedy = remedy_of(InductionPart::Base, claim, 0);
  report.working = working.text();
  return report;
}

LineReport judge_expansion(InductionPart part, const InductionClaim& claim,
                           const CollectedLine& line) {
  const bool is_next = part == InductionPart::Next;
  const Terms terms = is_next ? scaled(claim.factor, claim.summand) : claim.closed;
  const std::vector<Polynomial> right = groups_at_next(terms);
  const bool comparable = line.groups && line.groups->size() == right.size();
  // A single group is the result itself: it is compared once, below.
  const bool once = comparable && right.size() == 1 && line.groups->front() == line.result;
  Working working;
  LineReport report;
  if (is_next) add_factors(working, claim);
  int wrong = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const Polynomial* stated = comparable && !once ? &(*line.groups)[i] : nullptr;
    if (stated) wrong += differences(*stated, right[i]);
    add_expansion(working, terms[i], right[i], stated);
  }
  if (!line.groups) working.none();
  add_collection(working, right, line.result);
  if (line.groups && !comparable) judge_shape(report, working, *line.groups, right);
  if (line.result != sum_of(right) || wrong > 1)
    set(report, Status::Wrong, report.status == Status::Wrong ? report.defect : Defect::Value);
  else if (wrong == 1)
    set(report, Status::Gap, Defect::Slip);
  else if (!line.groups)
    set(report, Status::Gap, Defect::NoIntermediate);
  if (report.status != Status::Ok) report.remedy = remedy_of(part, claim, 0);
  report.working = working.text();
  return report;
}

LineReport judge_step(const InductionClaim& claim, const Polynomial& next,
                      const CollectedLine& line) {
  const std::vector<Polynomial> right = {polynomial_of(claim.closed), next};
  const bool comparable = line.groups && line.groups->size() == right.size();
  Working working;
  LineReport report;
  int wrong = 0;
  for (std::size_t i = 0; comparable && i < right.size(); ++i) {
    const Polynomial& stated = (*line.groups)[i];
    if (stated == right[i]) continue;
    wrong += differences(stated, right[i]);
    working.add(to_text(right[i], 'k'));
    working.differs(to_text(stated, 'k'));
  }
  if (!line.groups) working.none();
  add_collection(working, right, line.result);
  if (line.groups && !comparable) judge_shape(report, working, *line.groups, right);
  const bool summed = line.result == sum_of(right);
  if (wrong > 1 || (wrong == 1 && !summed))
    set(report, Status::Wrong, Defect::Operand);
  else if (!summed)
    set(report, Status::Wrong, report.status == Status::Wrong ? report.defect : Defect::Value);
  else if (wrong == 1)
    set(report, Status::Gap, Defect::Slip);
  else if (!line.groups)
    set(report, Status::Gap, Defect::NoIntermediate);
  report.working = working.text();
  return report;
}

std::string remedy_of(InductionPart part, const InductionClaim& claim, int next) {
  std::string text;
  if (part == InductionPart::Base) {
    const BaseLine right = right_base(claim);
    if (total(*right.left) != total(*right.right)) return "";
    text = to_text(right);
  } else {
    text = to_text(part, right_collected(part, claim));
  }
  text += " [" + std::string(rule_of(part));
  if (next != 0) text += " " + std::to_string(next);
  return text + "]";
}

}  // namespace theorems
