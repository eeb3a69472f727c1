#include "prompts/phrase_rules.h"

#include <algorithm>
#include <cassert>

namespace prompts {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) pieces.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

}  // namespace

PhraseRules::PhraseRules(const std::vector<Group>& groups,
                         const std::vector<std::string_view>& rules) {
  for (const std::string_view line : rules) {
    Rule rule = compile(line, groups);
    assert(!rule.elements.empty() && rule.elements[0].beginnings.empty());
    for (const std::string& word : rule.elements[0].words) {
      std::vector<std::size_t>& list = by_first_word_[word];
      if (list.empty() || list.back() != rules_.size()) list.push_back(rules_.size());
    }
    rules_.push_back(std::move(rule));
  }
}

PhraseRules::Rule PhraseRules::compile(std::string_view line,
                                       const std::vector<Group>& groups) const {
  Rule rule;
  std::size_t gap = 0;
  for (const std::string_view piece : split(line, ' ')) {
    if (piece == "^") {
      rule.starts = true;
    } else if (piece == "$") {
      rule.ends = true;
    } else if (piece.starts_with('~')) {
      gap = static_cast<std::size_t>(piece[1] - '0');
    } else {
      Element element{{}, {}, gap};
      for (std::string_view word : split(piece, '|')) {
        if (word.starts_with('{')) {
          const auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
            return g.name == word.substr(1, word.size() - 2);
          });
          assert(group != groups.end());
          for (const std::string_view member : split(group->words, '|'))
            element.words.emplace_back(member);
        } else if (word.ends_with('*')) {
          element.beginnings.emplace_back(word.substr(0, word.size() - 1));
        } else {
          element.words.emplace_back(word);
        }
      }
      std::sort(element.words.begin(), element.words.end());
      rule.elements.push_back(std::move(element));
      gap = 0;
    }
  }
  return rule;
}

bool PhraseRules::matches(const Element& element, std::string_view word) {
  return std::binary_search(element.words.begin(), element.words.end(), word, std::less<>()) ||
         std::any_of(element.beginnings.begin(), element.beginnings.end(),
                     [&](const std::string& beginning) { return word.starts_with(beginning); });
}

// The last token of a match of the elements from `element` on, of which the first may stand at
// `from` or as far behind it as its gap allows.
std::optional<std::size_t> PhraseRules::match(const Rule& rule, std::size_t element,
                                              std::size_t from, const Tokens& tokens) const {
  const std::size_t count = tokens.list.size();
  for (std::size_t i = from; i < count && i - from <= rule.elements[element].gap; ++i) {
    if (element > 0 && tokens.list[i].severed) return std::nullopt;
    if (!matches(rule.elements[element], tokens.word(i))) continue;
    if (element + 1 < rule.elements.size()) {
      if (const auto last = match(rule, element + 1, i + 1, tokens)) return last;
    } else if (!rule.ends || i + 1 == count || tokens.list[i + 1].severed) {
      return i;
    }
  }
  return std::nullopt;
}

std::optional<Span> PhraseRules::find(const Tokens& tokens) const {
  std::string word;
  for (std::size_t i = 0; i < tokens.list.size(); ++i) {
    word = tokens.word(i);
    const auto found = by_first_word_.find(word);
    if (found == by_first_word_.end()) continue;
    for (const std::size_t index : found->second) {
      const Rule& rule = rules_[index];
      if (rule.starts && !tokens.list[i].starts) continue;
      if (const auto last = match(rule, 0, i, tokens))
        return Span{tokens.list[i].begin, tokens.list[*last].end};
    }
  }
  return std::nullopt;
}

}  // namespace prompts
