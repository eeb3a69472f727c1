#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "theorems/deduction_statement.h"
#include "theorems/family.h"

namespace theorems {

// A deduction whose lines are changed, put in and taken out; numbers, references and the places of
// what was injected before move along.
class DeductionEditor {
 public:
  DeductionEditor(DeductionStatement& statement, const Proof& proof, Random& random)
      : statement_(statement),
        formulas_(statement.formulas),
        lines_(proof.lines),
        random_(random) {}

 protected:
  Line& line(int number) { return lines_[std::size_t(number) - 1]; }
  int last() const { return int(lines_.size()); }
  bool has_goal();
  bool cites_lines(const Line& l) const { return l.rule != "given"; }
  FormulaId formula(int number);  // kNoFormula if there is no such line

  // A line before the goal's, with this rule ("": any); 0 if there is none.
  int some(std::string_view rule = "");
  int some_with_refs();
  int& some_ref(std::vector<int>& refs);

  void drop(int number);
  void insert(int number, std::string body, std::string_view rule, std::vector<int> refs);
  void swap_with_next(int number);
  void cut_after(int keep);
  void append(std::string body, std::string_view rule, std::vector<int> refs);
  void drop_unused();  // what the last line does not need

  // Works out anew what follows from a changed line.
  void carry_on(int from);
  FormulaId with_letter(FormulaId f, char from, char to);

  DeductionStatement& statement_;
  Formulas& formulas_;
  std::vector<Line> lines_;
  Random& random_;
  int place_ = 0;  // of the error that is being made
  std::vector<Injection> injections_ = {};

 private:
  void shift(int from, int by);
};

}  // namespace theorems
