#pragma once

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

// Propositional logic once more, slow and plain: the judge of theorems/formula and
// theorems/deduction, with which it shares no code.
namespace slow {

class Logic {
 public:
  // op: 'a' an atom (left its letter), '!', '&', '|', '>'.
  int make(char op, int left, int right = 0) {
    const auto [at, fresh] = ids_.try_emplace({op, left, right}, int(nodes_.size()));
    if (fresh) nodes_.push_back({op, left, right});
    return at->second;
  }
  char op(int f) const { return nodes_[std::size_t(f)].op; }
  int left(int f) const { return nodes_[std::size_t(f)].left; }
  int right(int f) const { return nodes_[std::size_t(f)].right; }

  std::optional<int> parse(const std::string& text) {
    text_.clear();
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text.compare(i, 2, "->") == 0)
        text_ += '>', ++i;
      else if (text[i] == '>')
        return std::nullopt;
      else if (text[i] != ' ')
        text_ += text[i];
    at_ = 0;
    good_ = true;
    const int f = binary(0);
    return good_ && at_ == text_.size() ? std::optional(f) : std::nullopt;
  }

  bool value(int f, uint32_t row) const {
    switch (op(f)) {
      case 'a':
        return (row >> left(f)) & 1;
      case '!':
        return !value(left(f), row);
      case '&':
        return value(left(f), row) && value(right(f), row);
      case '|':
        return value(left(f), row) || value(right(f), row);
      default:
        return !value(left(f), row) || value(right(f), row);
    }
  }

  bool entails(const std::vector<int>& from, int to) const {
    std::set<int> letters;
    for (const int f : from) collect(f, letters);
    collect(to, letters);
    const std::vector<int> all(letters.begin(), letters.end());
    for (uint32_t k = 0; k < (uint32_t{1} << all.size()); ++k) {
      uint32_t row = 0;
      for (std::size_t i = 0; i < all.size(); ++i)
        if ((k >> i) & 1) row |= uint32_t{1} << all[i];
      const bool premises = std::ranges::all_of(from, [&](int f) { return value(f, row); });
      if (premises && !value(to, row)) return false;
    }
    return true;
  }

  bool opposed(int a, int b) const {
    return (op(a) == '!' && left(a) == b) || (op(b) == '!' && left(b) == a);
  }

  // Whether the rule gives `to` from the lines in this order.
  bool rule(const std::string& name, const std::vector<int>& x, int to) const {
    if (name == "ande" && x.size() == 1)
      return op(x[0]) == '&' && (left(x[0]) == to || right(x[0]) == to);
    if (name == "ori" && x.size() == 1)
      return op(to) == '|' && (left(to) == x[0] || right(to) == x[0]);
    if (name == "cases" && x.size() == 3) {
      std::vector<int> p = {0, 1, 2};
      do {
        const int d = x[std::size_t(p[0])], i = x[std::size_t(p[1])], j = x[std::size_t(p[2])];
        if (op(d) == '|' && op(i) == '>' && op(j) == '>' && left(i) == left(d) &&
            left(j) == right(d) && right(i) == to && right(j) == to)
          return true;
      } while (std::ranges::next_permutation(p).found);
      return false;
    }
    if (x.size() != 2) return false;
    if (name == "andi") return op(to) == '&' && left(to) == x[0] && right(to) == x[1];
    for (const auto& [a, b] : {std::pair(x[0], x[1]), std::pair(x[1], x[0])}) {
      if (name == "mp" && op(a) == '>' && left(a) == b && right(a) == to) return true;
      if (name == "mt" && op(a) == '>' && opposed(right(a), b) && opposed(left(a), to)) return true;
      if (name == "hs" && op(a) == '>' && op(b) == '>' && right(a) == left(b) && op(to) == '>' &&
          left(to) == left(a) && right(to) == right(b))
        return true;
      if (name == "ds" && op(a) == '|' && opposed(left(a), b) && right(a) == to) return true;
      if (name == "ds" && op(a) == '|' && opposed(right(a), b) && left(a) == to) return true;
    }
    return false;
  }

  // Whether any rule gives it from any of the lines; `supposed` may be discharged (-1: nothing).
  bool in_one(const std::vector<int>& premises, const std::vector<int>& lines, int to,
              int supposed) const {
    if (std::ranges::count(premises, to)) return true;
    if (supposed >= 0 && op(to) == '>' && left(to) == supposed &&
        std::ranges::count(lines, right(to)))
      return true;
    for (const int x : lines) {
      if (rule("ande", {x}, to) || rule("ori", {x}, to)) return true;
      for (const int y : lines) {
        for (const char* name : {"andi", "mp", "mt", "hs", "ds"})
          if (rule(name, {x, y}, to)) return true;
        if (op(x) != '|' || op(y) != '>' || left(y) != left(x) || right(y) != to) continue;
        for (const int z : lines)
          if (rule("cases", {x, y, z}, to)) return true;
      }
    }
    return false;
  }

  bool in_two(const std::vector<int>& premises, std::vector<int> lines, int to, int supposed) {
    std::set<int> parts, between;
    for (const int f : premises) subformulas(f, parts);
    for (const int f : lines) subformulas(f, parts);
    subformulas(to, parts);
    for (const int f : parts) {
      between.insert({f, make('!', f), make('>', f, to), make('|', f, to)});
      if (op(f) == '!') between.insert(left(f));
      if (op(to) != '>') continue;
      between.insert({make('>', left(to), f), make('>', f, right(to))});
    }
    for (const int f : between) {
      if (std::ranges::count(lines, f) || !in_one(premises, lines, f, -1)) continue;
      lines.push_back(f);
      const bool found = in_one({}, lines, to, supposed);
      lines.pop_back();
      if (found) return true;
    }
    return false;
  }

 private:
  struct Node {
    char op = 'a';
    int left = 0;
    int right = 0;
  };
  void collect(int f, std::set<int>& letters) const {
    if (op(f) == 'a') letters.insert(left(f));
    if (op(f) == 'a') return;
    collect(left(f), letters);
    if (op(f) != '!') collect(right(f), letters);
  }
  void subformulas(int f, std::set<int>& out) const {
    out.insert(f);
    if (op(f) == 'a') return;
    subformulas(left(f), out);
    if (op(f) != '!') subformulas(right(f), out);
  }

  // Weakest first: > | &.
  int binary(int strength) {
    constexpr char kOps[] = {'>', '|', '&'};
    if (strength == 3) return unary();
    int f = binary(strength + 1);
    while (good_ && at_ < text_.size() && text_[at_] == kOps[strength]) {
      ++at_;
      f = make(kOps[strength], f, binary(strength == 0 ? 0 : strength + 1));
    }
    return f;
  }
  int unary() {
    if (at_ >= text_.size()) return good_ = false, 0;
    const char c = text_[at_++];
    if (c == '!') return make('!', unary());
    if (c == '(') {
      const int f = binary(0);
      if (at_ >= text_.size() || text_[at_++] != ')') good_ = false;
      return f;
    }
    if (c < 'a' || c > 'z' || c == 'v') good_ = false;
    return good_ ? make('a', c - 'a') : 0;
  }

  std::map<std::tuple<char, int, int>, int> ids_;
  std::vector<Node> nodes_;
  std::string text_;
  std::size_t at_ = 0;
  bool good_ = true;
};

}  // namespace slow
