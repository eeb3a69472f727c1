#include "theorems/deduction_statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace theorems {
namespace {

constexpr std::string_view kGiven = "Given:";
constexpr std::string_view kProve = "Prove:";
constexpr std::string_view kBlank = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string_view without_stop(std::string_view text) {
  text = trimmed(text);
  if (text.ends_with('.')) text.remove_suffix(1);
  return trimmed(text);
}

// Why the premises cannot be read; "" if they can.
std::string read_premises(std::string_view text, DeductionStatement& statement) {
  text = without_stop(text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view part = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (statement.premises.size() == kPremisesMax)
      return fmt::format("more than {} premises", kPremisesMax);
    const auto premise = statement.formulas.read(part);
    if (!premise) return fmt::format("premise {} is no formula", statement.premises.size() + 1);
    statement.premises.push_back(*premise);
  }
  return {};
}

template <class Write>
std::string written(const DeductionStatement& statement, const Write& write) {
  std::string text;
  for (const FormulaId premise : statement.premises)
    text += (text.empty() ? "Given: " : "; ") + write(premise);
  return text + (text.empty() ? "" : ". ") + "Prove: " + write(statement.goal);
}

// Finding the canonical names is finding a canonical order of the atoms. Every atom gets a colour,
// a number that does not depend on names, refined by where it stands beside which other colours.
// Atoms that stay alike are told apart by trying each of them first, and the smallest text wins.
constexpr int kLetters = 26;
constexpr int kLeavesMax = 200;
using Colours = std::array<uint64_t, kLetters>;

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = a * 0x9E3779B97F4A7C15u + (b ^ 0xBF58476D1CE4E5B9u);
  z = (z ^ (z >> 29)) * 0x94D049BB133111EBu;
  return z ^ (z >> 32);
}

class Canon {
 public:
  explicit Canon(const DeductionStatement& statement)
      : statement_(statement), formulas_(statement.formulas) {
    atoms_ = formulas_.atoms(statement.goal);
    for (const FormulaId premise : statement.premises) atoms_ |= formulas_.atoms(premise);
  }

  std::string text() {
    Colours colours = {};
    search(colours, 0);
    return best_;
  }

 private:
  bool occurs(int a) const { return (atoms_ >> a) & 1; }

  uint64_t colour(FormulaId f, const Colours& colours, int marked) const {
    const auto kind = uint64_t(formulas_.kind(f));
    if (kind == 0) {
      const int a = formulas_.letter(f) - 'a';
      return mix(colours[std::size_t(a)], a == marked ? 7 : 5);
    }
    const uint64_t left = mix(colour(formulas_.left(f), colours, marked), kind);
    return formulas_.kind(f) == Connective::Not
               ? left
               : mix(left, colour(formulas_.right(f), colours, marked));
  }

  Colours refined(Colours colours) const {
    for (int round = 0; round < std::popcount(atoms_); ++round) {
      Colours next = colours;
      for (int a = 0; a < kLetters; ++a) {
        if (!occurs(a)) continue;
        uint64_t sum = 0;  // a sum, for the order of the premises does not count
        for (const FormulaId premise : statement_.premises)
          sum += mix(colour(premise, colours, a), 1);
        next[std::size_t(a)] = mix(sum, colour(statement_.goal, colours, a));
      }
      colours = next;
    }
    return colours;
  }

  // Atoms of the first colour that several share.
  std::vector<int> alike(const Colours& colours) const {
    std::vector<int> order;
    for (int a = 0; a < kLetters; ++a)
      if (occurs(a)) order.push_back(a);
    std::ranges::sort(order, {}, [&](int a) { return colours[std::size_t(a)]; });
    for (std::size_t i = 0; i < order.size();) {
      std::size_t end = i + 1;
      while (end < order.size() &&
             colours[std::size_t(order[end])] == colours[std::size_t(order[i])])
        ++end;
      if (end - i > 1)
        return {order.begin() + std::ptrdiff_t(i), order.begin() + std::ptrdiff_t(end)};
      i = end;
    }
    return {};
  }

  void search(const Colours& from, int depth) {
    const Colours colours = refined(from);
    const std::vector<int> choices = alike(colours);
    if (choices.empty()) {
      ++leaves_;
      const std::string text = named(colours);
      if (best_.empty() || text < best_) best_ = text;
      return;
    }
    for (const int a : choices) {
      if (leaves_ >= kLeavesMax) return;
      Colours chosen = colours;
      chosen[std::size_t(a)] = mix(colours[std::size_t(a)], 100U + uint64_t(depth));
      search(chosen, depth + 1);
    }
  }

  FormulaId renamed(const DeductionStatement& from, FormulaId f, Formulas& into,
                    const std::array<char, kLetters>& names) const {
    const Connective kind = from.formulas.kind(f);
    if (kind == Connective::Atom)
      return into.atom(names[std::size_t(from.formulas.letter(f) - 'a')]);
    const FormulaId left = renamed(from, from.formulas.left(f), into, names);
    if (kind == Connective::Not) return into.negation(left);
    return into.join(kind, left, renamed(from, from.formulas.right(f), into, names));
  }

  // The statement with these names, its premises sorted by their texts.
  DeductionStatement with(const DeductionStatement& from,
                          const std::array<char, kLetters>& names) const {
    DeductionStatement to;
    for (const FormulaId premise : from.premises)
      to.premises.push_back(renamed(from, premise, to.formulas, names));
    to.goal = renamed(from, from.goal, to.formulas, names);
    return to;
  }

  // Names by the order of the colours, then by the order of occurrence in the sorted premises.
  std::string named(const Colours& colours) const {
    std::vector<int> order;
    for (int a = 0; a < kLetters; ++a)
      if (occurs(a)) order.push_back(a);
    std::ranges::sort(order, {}, [&](int a) { return colours[std::size_t(a)]; });
    std::array<char, kLetters> names = {};
    for (std::size_t i = 0; i < order.size(); ++i) names[std::size_t(order[i])] = char('a' + i);
    DeductionStatement ranked = with(statement_, names);
    std::ranges::sort(ranked.premises, {}, [&](FormulaId f) { return ranked.formulas.text(f); });

    names = {};
    char next = 'a';
    std::vector<FormulaId> all = ranked.premises;
    all.push_back(ranked.goal);
    for (const FormulaId f : all)
      for (const char c : ranked.formulas.text(f))
        if (c >= 'a' && c <= 'z' && names[std::size_t(c - 'a')] == 0)
          names[std::size_t(c - 'a')] = next++;
    return to_text(with(ranked, names));
  }

  const DeductionStatement& statement_;
  const Formulas& formulas_;
  uint32_t atoms_ = 0;
  std::string best_ = {};
  int leaves_ = 0;
};

}  // namespace

std::variant<DeductionStatement, NotOfFamily> read_deduction(std::string_view text) {
  DeductionStatement statement;
  text = trimmed(text);
  const std::size_t prove = text.find(kProve);
  if (prove == std::string_view::npos) return NotOfFamily{"there is no \"Prove:\""};
  std::string_view before = trimmed(text.substr(0, prove));
  if (!before.empty()) {
    if (!before.starts_with(kGiven))
      return NotOfFamily{"what stands before \"Prove:\" does not begin with \"Given:\""};
    before.remove_prefix(kGiven.size());
    if (without_stop(before).empty()) return NotOfFamily{"there are no premises after \"Given:\""};
    if (auto reason = read_premises(before, statement); !reason.empty())
      return NotOfFamily{std::move(reason)};
  }
  const auto goal = statement.formulas.read(without_stop(text.substr(prove + kProve.size())));
  if (!goal) return NotOfFamily{"what is to be proved is no formula"};
  statement.goal = *goal;
  uint32_t atoms = statement.formulas.atoms(*goal);
  for (const FormulaId premise : statement.premises) atoms |= statement.formulas.atoms(premise);
  if (std::popcount(atoms) > kTableAtomsMax)
    return NotOfFamily{fmt::format("more than {} different letters", kTableAtomsMax)};
  return statement;
}

std::string to_text(const DeductionStatement& statement) {
  return written(statement, [&](FormulaId f) { return statement.formulas.text(f); });
}

std::string to_tex(const DeductionStatement& statement) {
  return written(statement, [&](FormulaId f) { return statement.formulas.tex(f); });
}

std::string canonical_text(const DeductionStatement& statement) { return Canon(statement).text(); }

}  // namespace theorems
