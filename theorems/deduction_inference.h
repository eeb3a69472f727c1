#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "theorems/formula.h"

namespace theorems {

enum class Inference : uint8_t {
  Given,
  Mp,
  Mt,
  Hs,
  Ds,
  Andi,
  Ande,
  Ori,
  Cases,
  Suppose,
  Impi,
};
std::string_view to_text(Inference rule);
std::optional<Inference> read_inference(std::string_view name);
std::size_t lines_used(Inference rule);  // how many lines (of Given: premises) the rule names

// The forms of "not f": !f, and C where f is !C.
std::vector<FormulaId> opposites(Formulas& formulas, FormulaId f);

// What the rule gives from these formulas, the usual form first; empty if it does not apply. Not
// for Given, Suppose and Ori, which gives whatever has the formula on one side.
std::vector<FormulaId> conclusions(Formulas& formulas, Inference rule,
                                   const std::vector<FormulaId>& from);
bool concludes(Formulas& formulas, Inference rule, const std::vector<FormulaId>& from,
               FormulaId body);

// One application of a rule in a proof. A reference 0 stands for a formula that is no line yet.
struct Application {
  FormulaId formula = kNoFormula;
  Inference rule = Inference::Given;
  std::vector<int> refs = {};
};

// "4: p->q 3: p gives q", "given 1: p->q"; `missing` stands where a reference is 0.
struct Step {
  Application first;  // of two: what is no line yet
  Application second = {};
};

// The lines that a new line may use, and the ways in which a formula follows from them.
class Standing {
 public:
  Standing(Formulas& formulas, const std::vector<FormulaId>& premises)
      : formulas_(formulas), premises_(premises) {}

  void add(FormulaId f, int line);
  void suppose(FormulaId f, int line) { supposed_ = f, supposed_line_ = line; }

  int line_of(FormulaId f) const;  // 0: none
  const std::vector<std::pair<FormulaId, int>>& lines() const { return lines_; }

  // By one rule. Of several ways the first of the table.
  std::optional<Application> follows(FormulaId target) const;
  // By exactly two rules, with one formula in between that is no line.
  std::optional<Step> follows_in_two(FormulaId target) const;

 private:
  struct Way {
    Inference rule;
    std::array<FormulaId, 3> needs;
  };
  void ways(FormulaId major, FormulaId target, std::vector<Way>& out) const;
  void ways_to_build(FormulaId target, std::vector<Way>& out) const;
  std::optional<Application> direct(FormulaId target, bool discharge) const;
  std::vector<Application> simple_steps() const;
  Application applied(const Way& way, FormulaId target) const;
  int missing(const Way& way, FormulaId& which) const;

  Formulas& formulas_;
  const std::vector<FormulaId>& premises_;
  std::vector<std::pair<FormulaId, int>> lines_;
  std::unordered_map<FormulaId, int> line_of_;
  FormulaId supposed_ = kNoFormula;
  int supposed_line_ = 0;
};

}  // namespace theorems
