#include "prompts/characters.h"
#include "prompts/gate_checks.h"
#include "text/utf8.h"

namespace prompts {
namespace {

constexpr std::size_t kLatinLettersMin = 3;  // in a word, before a look-alike in it is suspicious

bool is_latin(char32_t c) { return is_letter(c) && c < 0x250; }

}  // namespace

std::optional<Span> find_hidden(std::string_view proof) {
  std::size_t at = proof.starts_with("\xEF\xBB\xBF") ? 3 : 0;  // a byte order mark is none
  for (std::size_t next = at; at < proof.size(); at = next)
    if (is_hidden(text::next_character(proof, next))) return Span{at, next};
  return std::nullopt;
}

// Only words of small letters: points and sets named in capitals are typed with whichever keyboard
// layout is on, and a Greek or Cyrillic letter beside one Latin one is a formula.
std::optional<Span> find_mixed_scripts(std::string_view proof) {
  std::size_t begin = 0;
  std::size_t latin = 0;
  bool alike = false;
  bool foreign = false;  // letters that are neither Latin nor alike: a word of another language
  for (std::size_t at = 0, next = 0; at <= proof.size(); at = next) {
    next = at;
    const char32_t c = at < proof.size() ? text::next_character(proof, next) : ' ';
    if (is_letter(c)) {
      if (latin == 0 && !alike && !foreign) begin = at;
      if (is_latin(c))
        ++latin;
      else if (looks_latin(c))
        alike = true;
      else
        foreign = true;
    } else {
      if (alike && !foreign && latin >= kLatinLettersMin) return Span{begin, at};
      latin = 0;
      alike = foreign = false;
    }
    if (at >= proof.size()) break;
  }
  return std::nullopt;
}

}  // namespace prompts
