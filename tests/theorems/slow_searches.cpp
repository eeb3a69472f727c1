#include <map>

#include "tests/theorems/slow_rows.h"

namespace slow {
namespace {

// A search by its kind: 'l' a*x == c, 's' x^2 == c, 'f' a*b = c, 'b' a*x - b*y = c.
struct Search {
  char kind = 'l';
  Wide a = 0, b = 0, c = 0, modulus = 0;
  std::string letters = "x";
};

Search search_of(const std::string& statement) {
  Row row;
  row.body = statement;
  take_shape(row);
  const std::vector<Wide>& n = row.numbers;
  if (row.shape == "Findx:N*x==N(modN)") return {'l', n[0], 0, n[1], n[2], "x"};
  if (row.shape == "Findx:x^N==N(modN)") return {'s', 0, 0, n[1], n[2], "x"};
  if (row.shape == "Finda,b>N:a*b=N") return {'f', 0, 0, n[1], 0, "ab"};
  return {'b', n[0], n[1], n[2], 0, "xy"};
}

class SearchJudge {
 public:
  SearchJudge(const Search& search, const std::vector<Row>& rows) : search_(search), rows_(rows) {}

  Judgement run() {
    for (const Row& row : rows_) {
      ++here_;
      ends_.push_back(0);
      book_.uses.emplace_back();
      book_.said.push_back(judge(row));
      book_.inherit();
    }
    if (goal_ > 0) return book_.judged({goal_});
    const int result = result_line();
    char& last = book_.said.back();
    if (result == 0) {
      last = 'w';
      return book_.judged({here_});
    }
    if (!wanted(result))
      last = 'w';
    else if (last != 'w')
      last = 'g';
    return book_.judged({here_, result});
  }

 private:
  char judge(const Row& row) {
    if (row.body == "goal") return judge_goal(row);
    if (row.body.rfind("take ", 0) == 0) return judge_take(row);
    if (row.body.find('-') != std::string::npos) return judge_difference(row);
    const auto equation = equation_of(row);
    if (!equation || equation->left == "N+N" || equation->left == "N") return 'w';
    return judge_product(row, *equation);
  }

  char judge_take(const Row& row) {
    std::string digits = row.body.size() < 10 ? "" : row.body.substr(9);
    const bool negative = !digits.empty() && digits[0] == '-';
    if (negative) digits.erase(0, 1);
    if (!digits_only(digits) || digits.size() > 30 || row.body.substr(6, 3) != " = ") return 'w';
    const char letter = row.body[5];
    if (search_.letters.find(letter) == std::string::npos) return 'w';
    taken_[letter] = here_;
    value_[letter] = negative ? -wide(digits) : wide(digits);
    for (auto& [key, line] : products_)
      if (search_.kind != 'b' || key == letter) line = 0;
    difference_ = 0;
    if (search_.kind == 'f' && value_[letter] < 2) return 'w';
    return row.rule == "take" && row.refs.empty() ? 'o' : 'g';
  }

  // The products that are to be calculated, each under a letter.
  std::vector<std::pair<char, std::string>> wanted_products() {
    if (search_.kind == 'l') return {{'x', product_name(search_.a, value_['x'])}};
    if (search_.kind == 's') return {{'x', text(value_['x']) + "^2"}};
    if (search_.kind == 'f') return {{'a', product_name(value_['a'], value_['b'])}};
    return {{'x', product_name(search_.a, value_['x'])},
            {'y', product_name(search_.b, value_['y'])}};
  }

  std::vector<int> takes() {
    std::vector<int> lines;
    for (const char letter : search_.letters) lines.push_back(taken_[letter]);
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  char judge_product(const Row& row, const Equation& equation) {
    if (takes().front() == 0) return 'w';
    for (const auto& [letter, name] : wanted_products()) {
      if (name != equation.name() || products_[letter] != 0) continue;
      products_[letter] = here_;
      ends_.back() = equation.remainder();
      book_.uses.back() = search_.kind == 'b' ? std::vector<int>{taken_[letter]} : takes();
      const char said = judge_numbers(equation, search_.modulus);
      return said == 'o' && (row.rule != "calc" || !row.refs.empty()) ? 'g' : said;
    }
    return 'w';
  }

  char judge_difference(const Row& row) {
    if (row.shape != "N-N=N" || search_.kind != 'b' || products_['x'] == 0 || products_['y'] == 0)
      return 'w';
    const std::vector<int> used = {products_['x'], products_['y']};
    book_.uses.back() = used;
    difference_ = here_;
    ends_.back() = row.numbers[2];
    if (row.numbers[0] != ends_[std::size_t(used[0] - 1)] ||
        row.numbers[1] != ends_[std::size_t(used[1] - 1)] ||
        row.numbers[0] - row.numbers[1] != row.numbers[2])
      return 'w';
    return row.rule == "sub" && row.refs == used ? 'o' : 'g';
  }

  int result_line() { return search_.kind == 'b' ? difference_ : products_[search_.letters[0]]; }
  bool wanted(int line) {
    const Wide off = ends_[std::size_t(line - 1)] - search_.c;
    return search_.modulus == 0 ? off == 0 : off % search_.modulus == 0;
  }

  char judge_goal(const Row& row) {
    for (const int ref : row.refs)
      if (ref >= here_) return 'w';
    goal_ = here_;
    const int result = result_line();
    if (result == 0) return 'w';
    std::vector<int> right = takes();
    right.push_back(result);
    book_.uses.back() = right;
    if (!wanted(result)) return 'w';
    return row.refs == right && row.rule.empty() ? 'o' : 'g';
  }

  const Search& search_;
  const std::vector<Row>& rows_;
  Book book_;
  int here_ = 0, goal_ = 0, difference_ = 0;
  std::map<char, int> taken_, products_;
  std::map<char, Wide> value_;
  std::vector<Wide> ends_;
};

}  // namespace

Judgement judge_witness(const std::string& statement, const std::string& proof) {
  const auto rows = rows_of(proof);
  if (!rows) return {};
  const Search search = search_of(statement);
  return SearchJudge(search, *rows).run();
}

bool witness_solves(const std::string& statement, const std::string& proof) {
  const Search search = search_of(statement);
  std::map<char, Wide> taken;
  const std::vector<Row> rows = rows_of(proof).value();
  for (const Row& row : rows)
    if (row.rule == "take") taken[row.body[5]] = row.numbers.back();
  const Wide x = taken['x'], y = taken['y'];
  if (search.kind == 'l') return (search.a * x - search.c) % search.modulus == 0;
  if (search.kind == 's') return (x * x - search.c) % search.modulus == 0;
  if (search.kind == 'f')
    return taken['a'] > 1 && taken['b'] > 1 && taken['a'] * taken['b'] == search.c;
  return search.a * x - search.b * y == search.c;
}

}  // namespace slow
