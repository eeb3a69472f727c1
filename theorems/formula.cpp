#include "theorems/formula.h"

#include <algorithm>
#include <bit>

namespace theorems {
namespace {

// One bit for each row of the table.
using Column = std::bitset<1 << kTableAtomsMax>;

class Table {
 public:
  Table(const Formulas& formulas, uint32_t atoms) : formulas_(formulas), atoms_(atoms) {}

  Column column(FormulaId f) const {
    switch (formulas_.kind(f)) {
      case Connective::Atom:
        return atom(formulas_.letter(f));
      case Connective::Not:
        return ~column(formulas_.left(f));
      case Connective::And:
        return column(formulas_.left(f)) & column(formulas_.right(f));
      case Connective::Or:
        return column(formulas_.left(f)) | column(formulas_.right(f));
      case Connective::Implies:
        return ~column(formulas_.left(f)) | column(formulas_.right(f));
    }
    return {};
  }

 private:
  Column atom(char letter) const {
    const uint32_t below = (uint32_t{1} << (letter - 'a')) - 1;
    const int place = std::popcount(atoms_ & below);
    Column rows;
    for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = (row >> place) & 1;
    return rows;
  }

  const Formulas& formulas_;
  uint32_t atoms_;
};

std::optional<Column> all_true(const Formulas& formulas, const std::vector<FormulaId>& all,
                               uint32_t atoms) {
  for (const FormulaId f : all) atoms |= formulas.atoms(f);
  if (std::popcount(atoms) > kTableAtomsMax) return std::nullopt;
  const Table table(formulas, atoms);
  Column rows;
  rows.set();
  for (const FormulaId f : all) rows &= table.column(f);
  return rows;
}

struct Spelling {
  std::string_view text;
  char sign;
};
// '>' stands for "->". Longer words come before those that they begin with.
constexpr Spelling kSpellings[] = {
    {"->", '>'},
    {"\\rightarrow", '>'},
    {"\\Rightarrow", '>'},
    {"\\implies", '>'},
    {"\\to", '>'},
    {"\\land", '&'},
    {"\\wedge", '&'},
    {"\\lor", '|'},
    {"\\vee", '|'},
    {"\\lnot", '!'},
    {"\\neg", '!'},
    {"&", '&'},
    {"|", '|'},
    {"!", '!'},
    {"(", '('},
    {")", ')'},
};
constexpr char kEnd = '\0';
constexpr char kBad = '?';

class Reader {
 public:
  Reader(Formulas& formulas, std::string_view text) : formulas_(formulas), rest_(text) { next(); }

  std::optional<FormulaId> all() {
    const FormulaId f = implication(0);
    if (f == kNoFormula || sign_ != kEnd) return std::nullopt;
    return f;
  }

 private:
  void next() {
    const std::size_t start = rest_.find_first_not_of(" \t");
    rest_.remove_prefix(std::min(start, rest_.size()));
    sign_ = rest_.empty() ? kEnd : kBad;
    if (rest_.empty()) return;
    for (const Spelling& spelling : kSpellings) {
      if (!rest_.starts_with(spelling.text)) continue;
      sign_ = spelling.sign;
      rest_.remove_prefix(spelling.text.size());
      return;
    }
    if (rest_[0] < 'a' || rest_[0] > 'z' || rest_[0] == 'v') return;
    sign_ = rest_[0];
    rest_.remove_prefix(1);
  }

  FormulaId joined(Connective connective, FormulaId left, FormulaId right) {
    if (left == kNoFormula || right == kNoFormula) return kNoFormula;
    return formulas_.join(connective, left, right);
  }

  FormulaId implication(int depth) {
    if (depth > kFormulaDepthMax) return kNoFormula;
    const FormulaId left = chain('|', depth + 1);
    if (left == kNoFormula || sign_ != '>') return left;
    next();
    return joined(Connective::Implies, left, implication(depth + 1));
  }

  FormulaId chain(char sign, int depth) {
    FormulaId left = sign == '|' ? chain('&', depth) : literal(depth);
    for (int links = 0; left != kNoFormula && sign_ == sign; ++links) {
      if (links == kFormulaDepthMax) return kNoFormula;
      next();
      const FormulaId right = sign == '|' ? chain('&', depth) : literal(depth);
      left = joined(sign == '|' ? Connective::Or : Connective::And, left, right);
    }
    return left;
  }

  FormulaId literal(int depth) {
    if (depth > kFormulaDepthMax || formulas_.size() > int(kFormulaNodesMax)) return kNoFormula;
    const char sign = sign_;
    if (sign == '!') {
      next();
      const FormulaId of = literal(depth + 1);
      return of == kNoFormula ? kNoFormula : formulas_.negation(of);
    }
    if (sign == '(') {
      next();
      const FormulaId inside = implication(depth + 1);
      if (inside == kNoFormula || sign_ != ')') return kNoFormula;
      next();
      return inside;
    }
    if (sign < 'a' || sign > 'z') return kNoFormula;
    next();
    return formulas_.atom(sign);
  }

  Formulas& formulas_;
  std::string_view rest_;
  char sign_ = kEnd;
};

constexpr std::array<std::string_view, 5> kSigns = {"", "!", "&", "|", "->"};
constexpr std::array<std::string_view, 5> kTexSigns = {"", "\\lnot ", " \\land ", " \\lor ",
                                                       " \\to "};

}  // namespace

FormulaId Formulas::stored(Node node) {
  const uint64_t key =
      uint64_t(node.kind) << 60 | uint64_t(uint32_t(node.left)) << 28 | uint32_t(node.right);
  const auto [at, fresh] = ids_.try_emplace(key, int(nodes_.size()));
  if (fresh) nodes_.push_back(node);
  return at->second;
}

FormulaId Formulas::atom(char letter) {
  return stored({Connective::Atom, letter, 0, uint32_t{1} << (letter - 'a'), 1});
}

FormulaId Formulas::negation(FormulaId of) {
  return stored({Connective::Not, of, 0, atoms(of), letters(of)});
}

FormulaId Formulas::join(Connective connective, FormulaId left, FormulaId right) {
  return stored(
      {connective, left, right, atoms(left) | atoms(right), letters(left) + letters(right)});
}

FormulaId Formulas::opposite(FormulaId of) {
  return kind(of) == Connective::Not ? left(of) : negation(of);
}

bool Formulas::opposed(FormulaId a, FormulaId b) const {
  return (kind(a) == Connective::Not && left(a) == b) ||
         (kind(b) == Connective::Not && left(b) == a);
}

std::optional<FormulaId> Formulas::read(std::string_view text) { return Reader(*this, text).all(); }

void Formulas::write(FormulaId f, const std::array<std::string_view, 5>& signs,
                     std::string& out) const {
  const auto part = [&](FormulaId g) {
    const bool bare = kind(g) == Connective::Atom || kind(g) == Connective::Not;
    if (!bare) out += '(';
    write(g, signs, out);
    if (!bare) out += ')';
  };
  if (kind(f) == Connective::Atom) {
    out += letter(f);
    return;
  }
  if (kind(f) != Connective::Not) part(left(f));
  out += signs[std::size_t(kind(f))];
  part(kind(f) == Connective::Not ? left(f) : right(f));
}

std::string Formulas::text(FormulaId f) const {
  std::string out;
  write(f, kSigns, out);
  return out;
}

std::string Formulas::tex(FormulaId f) const {
  std::string out;
  write(f, kTexSigns, out);
  return out;
}

std::optional<bool> entails(const Formulas& formulas, const std::vector<FormulaId>& premises,
                            FormulaId conclusion) {
  const auto rows = all_true(formulas, premises, formulas.atoms(conclusion));
  if (!rows) return std::nullopt;
  uint32_t atoms = formulas.atoms(conclusion);
  for (const FormulaId f : premises) atoms |= formulas.atoms(f);
  return (*rows & ~Table(formulas, atoms).column(conclusion)).none();
}

std::optional<bool> satisfiable(const Formulas& formulas, const std::vector<FormulaId>& all) {
  const auto rows = all_true(formulas, all, 0);
  if (!rows) return std::nullopt;
  return rows->any();
}

}  // namespace theorems
