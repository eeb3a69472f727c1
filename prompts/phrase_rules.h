#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "prompts/gate_checks.h"
#include "prompts/tokens.h"

namespace prompts {

// Rules over the words of a text. One rule is a line of elements with blanks between them:
//   give|assign   one of these words; a word* behind the first element matches its beginnings
//   {order}       one of a named group's words
//   ~3            up to three other words here
//   ^             at the front: the first word opens a sentence
//   $             at the end: the last word ends a sentence
// A match never crosses the end of a sentence.
class PhraseRules {
 public:
  struct Group {
    std::string_view name;
    std::string_view words;
  };
  PhraseRules(const std::vector<Group>& groups, const std::vector<std::string_view>& rules);

  // The first match.
  std::optional<Span> find(const Tokens& tokens) const;

 private:
  struct Element {
    std::vector<std::string> words;
    std::vector<std::string> beginnings;
    std::size_t gap = 0;  // other words allowed before it
  };
  struct Rule {
    std::vector<Element> elements;
    bool starts = false;
    bool ends = false;
  };

  static bool matches(const Element& element, std::string_view word);
  std::optional<std::size_t> match(const Rule& rule, std::size_t element, std::size_t from,
                                   const Tokens& tokens) const;
  Rule compile(std::string_view line, const std::vector<Group>& groups) const;

  std::vector<Rule> rules_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_first_word_;
};

}  // namespace prompts
