#pragma once

#include <optional>
#include <string>

namespace apps {

// What the exact checker says of a proof (`--check exact`): written beside what the votes say, seen
// by no decision.
struct ExactWord {
  int halves = 0;
  std::string words;  // "every line is right", "line 2: operand"
};

// Nothing if the statement is of no built-in family.
std::optional<ExactWord> exact_word(const std::string& statement, const std::string& proof);

// "exact check: 0.5, line 2: merged\n"; of a foreign statement that there is none.
std::string exact_line(const std::optional<ExactWord>& word);

// {"event":"check","id":...,"exact":0.5,"words":...}; of a foreign statement "exact" is null.
std::string exact_json(const std::string& id, const std::optional<ExactWord>& word);

}  // namespace apps
