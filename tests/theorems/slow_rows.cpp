#include "tests/theorems/slow_rows.h"

#include <sstream>

namespace slow {
namespace {

const Wide kEnd = Wide(1'000'000'000'000'000) * Wide(1'000'000'000'000'000);

}  // namespace

std::string strip(const std::string& text) {
  const char* blank = " \t\r";
  const auto begin = text.find_first_not_of(blank);
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

bool digits_only(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

namespace {

// A line's number: no sign, no zero in front, at most four digits.
std::optional<int> place_number(const std::string& text) {
  if (!digits_only(text) || text[0] == '0' || text.size() > 4) return std::nullopt;
  return std::stoi(text);
}

}  // namespace

Wide wide(const std::string& digits) {
  Wide value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

// "37*24 = 888" gives "N*N=N" and {37, 24, 888}; a number of more than 30 digits or two with only
// blanks between them spoil the shape.
void take_shape(Row& row) {
  for (std::size_t i = 0; i < row.body.size();) {
    if (row.body[i] == ' ') {
      ++i;
    } else if (isdigit(static_cast<unsigned char>(row.body[i]))) {
      std::size_t end = i;
      while (end < row.body.size() && isdigit(static_cast<unsigned char>(row.body[end]))) ++end;
      row.shape += end - i > 30 ? "?" : "N";
      row.numbers.push_back(end - i > 30 ? Wide(0) : wide(row.body.substr(i, end - i)));
      i = end;
    } else {
      row.shape += row.body[i++];
    }
  }
}

namespace {

std::optional<Row> row_of(const std::string& line, int number) {
  const std::string front = std::to_string(number) + ".";
  const auto open = line.rfind('[');
  if (line.size() > 400 || line.rfind(front, 0) != 0 || line.back() != ']' ||
      open == std::string::npos || open < front.size())
    return std::nullopt;
  Row row;
  row.body = strip(line.substr(front.size(), open - front.size()));
  if (row.body.empty()) return std::nullopt;
  std::string brackets = line.substr(open + 1, line.size() - open - 2);
  std::replace(brackets.begin(), brackets.end(), ' ', '\n');
  std::istringstream words(brackets);
  std::string word;
  for (bool first = true; std::getline(words, word);) {
    if (word.empty()) continue;
    if (const auto ref = place_number(word)) {
      if (row.refs.size() == 100) return std::nullopt;
      row.refs.push_back(*ref);
    } else if (first && word.size() <= 12 &&
               word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos) {
      row.rule = word;
    } else {
      return std::nullopt;
    }
    first = false;
  }
  take_shape(row);
  return row;
}

}  // namespace

std::string text(Wide value) {
  if (value < 0) return "-" + text(-value);
  const std::string last(1, char('0' + int(value % 10)));
  return value < 10 ? last : text(value / 10) + last;
}

std::string product_name(Wide a, Wide b) {
  return a == b ? text(a) + "^2" : text(std::min(a, b)) + "*" + text(std::max(a, b));
}

std::optional<Equation> equation_of(const Row& row) {
  for (const std::string left : {"N", "N*N", "N^N", "N+N", "N-N"})
    for (const std::string right : {"=N", "=N*N+N", "=N=N*N+N"}) {
      if (row.shape != left + right) continue;
      Equation equation{left, {}, {}, {}};
      std::size_t at = left == "N" ? 1 : 2;
      equation.operands.assign(row.numbers.begin(), row.numbers.begin() + std::ptrdiff_t(at));
      if (right != "=N*N+N") equation.stated = row.numbers[at++];
      if (right != "=N")
        equation.certificate =
            std::vector<Wide>(row.numbers.begin() + std::ptrdiff_t(at), row.numbers.end());
      return equation;
    }
  return std::nullopt;
}

namespace {

std::optional<Wide> times(Wide a, Wide b) {
  Wide product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product >= kEnd || product <= -kEnd)
    return std::nullopt;
  return product;
}

std::optional<Wide> plus(Wide a, Wide b) {
  if (a + b >= kEnd) return std::nullopt;
  return a + b;
}

}  // namespace

std::optional<Wide> exact(const Equation& equation) {
  const std::vector<Wide>& n = equation.operands;
  if (equation.left == "N") return n[0];
  if (equation.left == "N*N") return times(n[0], n[1]);
  if (equation.left == "N+N") return plus(n[0], n[1]);
  if (equation.left == "N-N") return n[0] - n[1];
  if (n[1] > 9) return std::nullopt;
  std::optional<Wide> result = 1;
  for (Wide i = 0; i < n[1] && result; ++i) result = times(*result, n[0]);
  return result;
}

// Whether the numbers are right: o, g or w. `modulus` 0: only the value counts.
char judge_numbers(const Equation& equation, Wide modulus) {
  const auto value = exact(equation);
  if (!value) return 'w';
  const Wide stated = equation.stated.value_or(*value);
  bool right = stated == *value;
  if (equation.certificate) {
    const auto& c = *equation.certificate;
    const auto product = times(c[0], c[1]);
    const auto sum = product ? plus(*product, c[2]) : std::nullopt;
    if (!sum) return 'w';
    right = right && *sum == stated && c[1] == modulus;
  }
  const Wide off = *value - equation.remainder();
  if (modulus == 0 ? off != 0 : off % modulus != 0) return 'w';
  if (!right) return 'g';
  return !equation.stated && equation.left != "N" ? 'g' : 'o';
}

std::optional<std::vector<Row>> rows_of(const std::string& proof) {
  std::vector<Row> rows;
  std::istringstream lines(proof);
  bool ended = false;
  for (std::string line; std::getline(lines, line);) {
    line = strip(line);
    if (line.empty()) continue;
    if (ended) return std::nullopt;
    if (line == "QED") {
      ended = true;
      continue;
    }
    auto row = rows.size() < 200 ? row_of(line, int(rows.size()) + 1) : std::nullopt;
    if (!row) return std::nullopt;
    rows.push_back(std::move(*row));
  }
  if (!ended || rows.empty()) return std::nullopt;
  return rows;
}

}  // namespace slow
