#include "tests/support/arithmetic_proof.h"

#include <array>
#include <charconv>

#include "text/words.h"

namespace support {

namespace {

constexpr std::array<std::string_view, 6> kSumPhrases = {
    "Adding the two parts gives ",
    "The first group and the second group together have ",
    "Counting both kinds of pairs, we find ",
    "The induction hypothesis supplies the first term, so ",
    "Joining the odd terms to the even ones yields ",
    "Both sides are whole numbers, and their sum is ",
};

constexpr std::array<std::string_view, 6> kProductPhrases = {
    "There are as many choices in each row, hence ",
    "Multiplying the two factors gives ",
    "The rectangle is cut into unit squares, whose number is ",
    "Each element of the first set meets each of the second: ",
    "By the product rule the count equals ",
    "Comparing the coefficients we obtain ",
};

constexpr std::array<std::string_view, 4> kVaguePhrases = {
    "Clearly the remaining cases are treated in the same way.",
    "Obviously the bound is reached, as one sees at once.",
    "It is easy to see that the two sets have the same size.",
    "The general case clearly follows from the special one.",
};

constexpr int64_t kNumberMax = 1'000'000'000;  // products stay far below 2^63

// Takes a number of at most ten digits from the front of `text`.
std::optional<int64_t> take_number(std::string_view& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0 || number > kNumberMax) return std::nullopt;
  text.remove_prefix(std::size_t(end - text.data()));
  return number;
}

void skip_blanks(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
}

bool take(std::string_view& text, std::string_view word) {
  skip_blanks(text);
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  skip_blanks(text);
  return true;
}

// Whether a formula of the form above is true; nothing if it has another form.
std::optional<bool> is_true(std::string_view formula) {
  skip_blanks(formula);
  const std::optional<int64_t> a = take_number(formula);
  if (!a) return std::nullopt;
  enum { Plus, Minus, Times } operation = Plus;
  if (take(formula, "-"))
    operation = Minus;
  else if (take(formula, "\\cdot") || take(formula, "\\times"))
    operation = Times;
  else if (!take(formula, "+"))
    return std::nullopt;
  const std::optional<int64_t> b = take_number(formula);
  if (!b || !take(formula, "=")) return std::nullopt;
  const bool negative = take(formula, "-");
  const std::optional<int64_t> c = take_number(formula);
  skip_blanks(formula);
  if (!c || !formula.empty()) return std::nullopt;
  const int64_t result = operation == Plus ? *a + *b : operation == Minus ? *a - *b : *a * *b;
  return result == (negative ? -*c : *c);
}

struct Formulas {
  bool any = false;
  bool any_false = false;
};

// Looks at everything between two dollar signs of a line.
Formulas formulas_of(std::string_view line) {
  Formulas found;
  std::size_t open = line.find('$');
  while (open != std::string_view::npos) {
    const std::size_t close = line.find('$', open + 1);
    if (close == std::string_view::npos) break;
    const std::optional<bool> truth = is_true(line.substr(open + 1, close - open - 1));
    // After a passage that is no formula the closing sign may be an opening one.
    if (truth) {
      found.any = true;
      found.any_false = found.any_false || !*truth;
      open = line.find('$', close + 1);
    } else {
      open = close;
    }
  }
  return found;
}

}  // namespace

std::string write_step(std::size_t number, StepKind kind, const Draws& draws) {
  std::string line = "Step " + std::to_string(number) + ". ";
  if (kind == StepKind::Vague)
    return line.append(kVaguePhrases[draws.below(kVaguePhrases.size(), "phrase", number)]);

  const bool product = draws.chance(0.4, "product", number);
  const uint64_t a = 2 + draws.below(product ? 28 : 490, "left", number);
  const uint64_t b = 2 + draws.below(product ? 28 : 490, "right", number);
  uint64_t result = product ? a * b : a + b;
  if (kind == StepKind::Wrong) result += 1 + draws.below(9, "error", number);

  line += product ? kProductPhrases[draws.below(kProductPhrases.size(), "phrase", number)]
                  : kSumPhrases[draws.below(kSumPhrases.size(), "phrase", number)];
  line += '$' + std::to_string(a) + (product ? " \\cdot " : " + ") + std::to_string(b) + " = " +
          std::to_string(result) + "$.";
  return line;
}

std::optional<StepKind> kind_of(std::string_view line) {
  const Formulas formulas = formulas_of(line);
  if (formulas.any) return formulas.any_false ? StepKind::Wrong : StepKind::Right;
  for (const std::string_view phrase : kVaguePhrases)
    if (line.find(phrase) != std::string_view::npos) return StepKind::Vague;
  return std::nullopt;
}

std::vector<Step> read_steps(std::string_view proof) {
  std::vector<Step> steps;
  for (std::string_view line : text::lines_of(proof)) {
    line = text::trim(line);
    if (!line.starts_with("Step ")) continue;
    const std::optional<StepKind> kind = kind_of(line);
    if (!kind || steps.size() == kStepsMax) return {};
    steps.push_back({*kind, std::string(line)});
  }
  return steps;
}

bool holds_false_formula(std::string_view text) { return formulas_of(text).any_false; }

}  // namespace support
