#include "theorems/deduction_edit.h"

#include <algorithm>

#include "theorems/deduction_check.h"
#include "theorems/deduction_inference.h"

namespace theorems {

bool DeductionEditor::has_goal() { return line(last()).body == kGoalBody; }

FormulaId DeductionEditor::formula(int number) {
  if (number < 1 || number > last()) return kNoFormula;
  return formulas_.read(line(number).body).value_or(kNoFormula);
}

int DeductionEditor::some(std::string_view rule) {
  std::vector<int> found;
  for (const Line& l : lines_)
    if (l.body != kGoalBody && (rule.empty() || l.rule == rule)) found.push_back(l.number);
  return found.empty() ? 0 : random_.pick(found);
}

int DeductionEditor::some_with_refs() {
  std::vector<int> found;
  for (const Line& l : lines_)
    if (!l.refs.empty()) found.push_back(l.number);
  return found.empty() ? 0 : random_.pick(found);
}

int& DeductionEditor::some_ref(std::vector<int>& refs) {
  return refs[std::size_t(random_.below(int64_t(refs.size())))];
}

void DeductionEditor::drop(int number) {
  lines_.erase(lines_.begin() + number - 1);
  shift(number + 1, -1);
}

// Lines from this number on have moved.
void DeductionEditor::shift(int from, int by) {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    Line& l = lines_[i];
    l.number = int(i) + 1;
    if (!cites_lines(l)) continue;
    for (int& ref : l.refs)
      if (ref >= from) ref += by;
  }
  for (Injection& injection : injections_)
    if (injection.line >= from) injection.line += by;
  if (place_ >= from) place_ += by;
}

void DeductionEditor::insert(int number, std::string body, std::string_view rule,
                             std::vector<int> refs) {
  Line fresh{0, std::move(body), "given", {}, {}};  // so that its own references do not move
  lines_.insert(lines_.begin() + number - 1, std::move(fresh));
  shift(number, 1);
  line(number).rule = rule;
  line(number).refs = std::move(refs);
}

void DeductionEditor::swap_with_next(int number) {
  std::swap(line(number), line(number + 1));
  for (Line& l : lines_) {
    if (!cites_lines(l)) continue;
    for (int& ref : l.refs) ref = ref == number ? number + 1 : ref == number + 1 ? number : ref;
  }
  shift(last() + 1, 0);
}

void DeductionEditor::cut_after(int keep) {
  lines_.resize(std::size_t(keep));
  std::erase_if(injections_, [&](const Injection& i) { return i.line > keep; });
}

void DeductionEditor::append(std::string body, std::string_view rule, std::vector<int> refs) {
  lines_.push_back({last() + 1, std::move(body), std::string(rule), std::move(refs), {}});
}

void DeductionEditor::drop_unused() {
  std::vector<bool> used(lines_.size() + 1, false);
  used[lines_.size()] = true;
  for (int k = last(); k >= 1; --k) {
    if (!used[std::size_t(k)] || !cites_lines(line(k))) continue;
    for (const int ref : line(k).refs)
      if (ref >= 1 && ref < k) used[std::size_t(ref)] = true;
  }
  for (int k = last(); k >= 1; --k)
    if (!used[std::size_t(k)] && k != place_) drop(k);
}

void DeductionEditor::carry_on(int from) {
  std::vector<bool> changed(lines_.size() + 1, false);
  changed[std::size_t(from)] = true;
  for (int k = from + 1; k <= last(); ++k) {
    const auto rule = read_inference(line(k).rule);
    if (!rule || *rule == Inference::Given) continue;
    std::vector<FormulaId> facts;
    bool touched = false;
    for (const int ref : line(k).refs) {
      if (ref >= k) return;
      facts.push_back(formula(ref));
      if (facts.back() == kNoFormula) return;
      touched = touched || changed[std::size_t(ref)];
    }
    const FormulaId body = formula(k);
    if (!touched || body == kNoFormula || concludes(formulas_, *rule, facts, body)) continue;
    const auto gives = conclusions(formulas_, *rule, facts);
    if (gives.empty()) continue;
    line(k).body = formulas_.text(random_.pick(gives));
    changed[std::size_t(k)] = true;
  }
}

FormulaId DeductionEditor::with_letter(FormulaId f, char from, char to) {
  const Connective kind = formulas_.kind(f);
  if (kind == Connective::Atom) return formulas_.letter(f) == from ? formulas_.atom(to) : f;
  const FormulaId left = with_letter(formulas_.left(f), from, to);
  if (kind == Connective::Not) return formulas_.negation(left);
  return formulas_.join(kind, left, with_letter(formulas_.right(f), from, to));
}

}  // namespace theorems
