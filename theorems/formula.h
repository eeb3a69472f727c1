#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace theorems {

enum class Connective : uint8_t { Atom, Not, And, Or, Implies };

using FormulaId = int;
inline constexpr FormulaId kNoFormula = -1;

inline constexpr int kFormulaDepthMax = 40;             // parentheses and connectives nested
inline constexpr int kTableAtomsMax = 8;                // atoms that a truth table may have
inline constexpr std::size_t kFormulaNodesMax = 60000;  // of one table of formulas

// Propositional formulas, each stored once: equal formulas have equal ids, so that comparing them
// is comparing two numbers. Atoms are the small letters but v, which is too close to "or".
class Formulas {
 public:
  FormulaId atom(char letter);
  FormulaId negation(FormulaId of);
  FormulaId join(Connective connective, FormulaId left, FormulaId right);

  // C for !C, else !f.
  FormulaId opposite(FormulaId of);
  bool opposed(FormulaId a, FormulaId b) const;

  Connective kind(FormulaId f) const { return nodes_[std::size_t(f)].kind; }
  char letter(FormulaId f) const { return char(nodes_[std::size_t(f)].left); }
  FormulaId left(FormulaId f) const { return nodes_[std::size_t(f)].left; }  // what ! negates
  FormulaId right(FormulaId f) const { return nodes_[std::size_t(f)].right; }
  int size() const { return int(nodes_.size()); }

  // "!" binds closest, then "&", "|", "->"; "->" groups to the right, the others to the left.
  // Blanks are free, and TeX's \land \lor \lnot \to are read too. Nothing if it is no formula.
  std::optional<FormulaId> read(std::string_view text);

  // Parentheses around every connective within another: "q->(r&s)", "!(p|q)", "!p&q".
  std::string text(FormulaId f) const;
  std::string tex(FormulaId f) const;

  uint32_t atoms(FormulaId f) const { return nodes_[std::size_t(f)].atoms; }  // bit 0: a
  int letters(FormulaId f) const { return nodes_[std::size_t(f)].letters; }   // occurrences

 private:
  struct Node {
    Connective kind = Connective::Atom;
    int left = 0;  // of an atom its letter
    int right = 0;
    uint32_t atoms = 0;
    int letters = 1;
  };
  FormulaId stored(Node node);
  void write(FormulaId f, const std::array<std::string_view, 5>& signs, std::string& out) const;

  std::vector<Node> nodes_;
  std::unordered_map<uint64_t, FormulaId> ids_;
};

// By truth table. Nothing if there are more than kTableAtomsMax atoms.
std::optional<bool> entails(const Formulas& formulas, const std::vector<FormulaId>& premises,
                            FormulaId conclusion);
std::optional<bool> satisfiable(const Formulas& formulas, const std::vector<FormulaId>& all);

}  // namespace theorems
