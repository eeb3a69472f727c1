#include <map>
#include <sstream>

#include "tests/theorems/slow_rows.h"

namespace slow {
namespace {

struct Sum {
  std::vector<std::string> names;  // as asked
  std::map<std::string, int> asked;
  Wide total = 0, residue = 0, modulus = 1;
};

Sum sum_of(const std::string& statement) {
  Sum sum;
  const auto equals = statement.find("=="), mod = statement.find("(mod");
  sum.residue = std::stoll(statement.substr(equals + 2));
  sum.modulus = std::stoll(statement.substr(mod + 4));
  std::istringstream terms(statement.substr(6, equals - 6));
  std::string term;
  while (std::getline(terms, term, '+')) {
    Row row;
    row.body = strip(term);
    take_shape(row);
    Equation equation{row.shape, row.numbers, {}, {}};
    sum.names.push_back(equation.name());
    ++sum.asked[equation.name()];
    sum.total += *exact(equation);
  }
  return sum;
}

class SumJudge {
 public:
  SumJudge(const Sum& sum, const std::vector<Row>& rows) : sum_(sum), rows_(rows) {}

  Judgement run() {
    for (const Row& row : rows_) {
      facts_.emplace_back();
      book_.uses.emplace_back();
      book_.said.push_back(judge(row));
      book_.inherit();
    }
    int root = goal_;
    const auto goal = [](const Row& row) { return row.body == "goal"; };
    if (std::none_of(rows_.begin(), rows_.end(), goal)) {
      root = close();
    } else if (root == 0) {
      for (std::size_t i = 0; i < rows_.size(); ++i)
        if (goal(rows_[i])) root = int(i) + 1;
    }
    return book_.judged({root});
  }

 private:
  struct Known {
    bool usable = false, spent = false;
    Wide remainder = 0;
    std::optional<Wide> squared;
    std::map<std::string, double> holds;  // doubles do not run over
  };

  int here() const { return int(facts_.size()); }
  Known& at(int line) { return facts_[std::size_t(line - 1)]; }
  bool whole(int line) {
    std::map<std::string, double> wanted(sum_.asked.begin(), sum_.asked.end());
    return at(line).usable && at(line).holds == wanted;
  }

  char judge(const Row& row) {
    if (row.body == "goal") return judge_goal(row);
    const auto equation = equation_of(row);
    if (!equation) return 'w';
    Known& known = facts_.back();
    known.usable = true;
    known.remainder = equation->remainder();
    if (equation->left == "N+N") return judge_addition(row, *equation);
    const bool asked = sum_.asked.count(equation->name()) > 0;
    if (equation->left == "N*N" && !row.refs.empty() && (row.rule == "mul" || !asked))
      return judge_product(row, *equation);
    if (equation->is_square()) known.squared = equation->operands[0];
    const bool helps =
        equation->is_square() && sum_.asked.count(text(equation->operands[0]) + "^3") > 0;
    if (!asked && !helps) return 'w';
    known.usable = asked;
    if (asked) known.holds[equation->name()] = 1;
    return lowered(judge_numbers(*equation, sum_.modulus), row.rule == "calc" && row.refs.empty());
  }

  static char lowered(char said, bool well_cited) {
    return said == 'o' && !well_cited ? 'g' : said;
  }

  char judge_product(const Row& row, const Equation& equation) {
    const int ref = row.refs[0];
    if (ref >= here() || !at(ref).squared) return 'w';
    book_.uses.back() = {ref};
    const std::string cube = text(*at(ref).squared) + "^3";
    if (sum_.asked.count(cube) == 0) return 'w';
    facts_.back().holds[cube] = 1;
    if (equation.operands != std::vector<Wide>{at(ref).remainder, *at(ref).squared}) return 'w';
    return lowered(judge_numbers(equation, sum_.modulus),
                   row.rule == "mul" && row.refs.size() == 1);
  }

  char judge_addition(const Row& row, const Equation& equation) {
    for (const int ref : row.refs)
      if (ref >= here()) return 'w';
    std::vector<int> used = row.refs;
    const auto fits = [&](int ref, std::size_t k) {
      return at(ref).usable && at(ref).remainder == equation.operands[k];
    };
    const bool cited = used.size() == 2 && fits(used[0], 0) && fits(used[1], 1);
    if (!cited) {
      used.clear();
      for (std::size_t k = 0; k < 2; ++k)
        for (int ref = 1; ref < here() && used.size() == k; ++ref)
          if (fits(ref, k) && !at(ref).spent && (used.empty() || used[0] != ref))
            used.push_back(ref);
      if (used.size() != 2 || (used.size() == 2 && used[0] == used[1])) used.clear();
    }
    if (used.empty()) {
      if (row.refs.size() == 2 && at(row.refs[0]).usable && at(row.refs[1]).usable) join(row.refs);
      return 'w';
    }
    join(used);
    return lowered(judge_numbers(equation, sum_.modulus), cited && row.rule == "add");
  }

  void join(const std::vector<int>& used) {
    book_.uses.back() = used;
    for (const int ref : used) {
      at(ref).spent = true;
      for (const auto& [name, count] : at(ref).holds) facts_.back().holds[name] += count;
    }
  }

  bool equals(int line) { return (at(line).remainder - sum_.residue) % sum_.modulus == 0; }

  char judge_goal(const Row& row) {
    int line = 0;
    if (row.refs.size() == 1) {
      if (row.refs[0] >= here()) return 'w';
      line = row.refs[0];
    }
    const bool cited = line > 0 && whole(line);
    if (!cited) {
      const int named = line;
      for (line = here() - 1; line > 0 && !whole(line);) --line;
      if (line == 0) {
        if (named > 0 && at(named).usable) book_.uses.back() = {named};
        return 'w';
      }
    }
    goal_ = here();
    book_.uses.back() = {line};
    return equals(line) ? lowered('o', cited && row.rule.empty()) : 'w';
  }

  // There is no goal: the last line bears it.
  int close() {
    char& last = book_.said.back();
    int line = here();
    while (line > 0 && !whole(line)) --line;
    if (line == 0 || !equals(line)) {
      last = 'w';
      return here();
    }
    if (last == 'w') return here();
    last = 'g';
    return line;
  }

  const Sum& sum_;
  const std::vector<Row>& rows_;
  std::vector<Known> facts_;
  Book book_;
  int goal_ = 0;
};

}  // namespace

Judgement judge_congruence(const std::string& statement, const std::string& proof) {
  const auto rows = rows_of(proof);
  if (!rows) return {};
  const Sum sum = sum_of(statement);
  return SumJudge(sum, *rows).run();
}

bool congruence_is_true(const std::string& statement) {
  const Sum sum = sum_of(statement);
  return (sum.total - sum.residue) % sum.modulus == 0;
}

std::map<std::string, int> terms_off(const std::string& statement, const std::string& proof) {
  std::map<std::string, int> counted;
  const std::vector<Row> rows = rows_of(proof).value();
  const Sum sum = sum_of(statement);
  int root = 0;
  for (const Row& row : rows)
    if (row.body == "goal") root = row.refs.at(0);
  std::vector<int> open = {root};
  while (!open.empty()) {
    const Row row = rows.at(std::size_t(open.back() - 1));
    open.pop_back();
    if (row.rule == "add")
      open.insert(open.end(), row.refs.begin(), row.refs.end());
    else if (row.rule == "mul")
      ++counted[text(rows.at(std::size_t(row.refs.at(0) - 1)).numbers.at(0)) + "^3"];
    else
      ++counted[equation_of(row).value().name()];
  }
  for (const std::string& name : sum.names)
    if (--counted[name] == 0) counted.erase(name);
  return counted;
}

}  // namespace slow
