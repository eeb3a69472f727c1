#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/theorems/slow_judge.h"

// What the two slow judges share.
namespace slow {

std::string strip(const std::string& text);
bool digits_only(const std::string& text);
Wide wide(const std::string& digits);
void take_shape(Row& row);  // fills shape and numbers from the body
std::string text(Wide value);
std::string product_name(Wide a, Wide b);  // one name for a*b and b*a, a^2 for a*a

// A left side and what is said of it: "N*N" of "N*N=N=N*N+N".
struct Equation {
  std::string left;
  std::vector<Wide> operands;
  std::optional<Wide> stated;
  std::optional<std::vector<Wide>> certificate;  // quotient, modulus, remainder

  Wide remainder() const { return certificate ? (*certificate)[2] : *stated; }
  std::string name() const {
    if (left == "N*N") return product_name(operands[0], operands[1]);
    if (left == "N^N") return text(operands[0]) + "^" + text(operands[1]);
    return left == "N" ? text(operands[0]) : "?";
  }
  bool is_square() const {
    return (left == "N*N" && operands[0] == operands[1]) || (left == "N^N" && operands[1] == 2);
  }
};

std::optional<Equation> equation_of(const Row& row);
std::optional<Wide> exact(const Equation& equation);  // nothing: thirty digits are not enough

// Whether the numbers are right: o, g or w. `modulus` 0: only the value counts.
char judge_numbers(const Equation& equation, Wide modulus);

// What both families share: verdicts, what lines use, and the score that follows.
struct Book {
  std::vector<char> said;
  std::vector<std::vector<int>> uses;

  void inherit() {
    if (said.back() != 'o') return;
    for (const int ref : uses.back())
      if (said[std::size_t(ref - 1)] == 'w' || said[std::size_t(ref - 1)] == 'd') said.back() = 'd';
  }
  bool rests_on_wrong(int line) const {
    if (said[std::size_t(line - 1)] == 'w') return true;
    const auto& used = uses[std::size_t(line - 1)];
    return std::any_of(used.begin(), used.end(), [&](int ref) { return rests_on_wrong(ref); });
  }
  Judgement judged(const std::vector<int>& roots) const {
    Judgement judgement{true, 2, std::string(said.begin(), said.end())};
    if (judgement.statuses.find_first_of("gw") != std::string::npos) judgement.halves = 1;
    for (const int root : roots)
      if (rests_on_wrong(root)) judgement.halves = 0;
    return judgement;
  }
};

}  // namespace slow
