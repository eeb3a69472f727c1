#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prompts {

// A text as words, numbers and signs, for rules that look at its wording. Words are folded to
// small letters without accents; hidden characters, marks of fence.h and emphasis are passed over;
// a Chinese or Japanese character is a word of its own.
struct Token {
  enum class Kind : uint8_t { Word, Ideograph, Number, Symbol, Command };
  Kind kind = Kind::Word;
  bool starts = false;   // it may open a sentence: punctuation or a line's begin stands before it
  bool severed = false;  // a sentence or paragraph ends before it
  uint32_t at = 0;       // in Tokens::folded
  uint32_t length = 0;
  uint32_t begin = 0;  // bytes of the text
  uint32_t end = 0;
};

struct Tokens {
  std::string folded;  // the tokens one behind the other, without blanks
  std::vector<Token> list;

  std::string_view word(std::size_t i) const {
    return std::string_view(folded).substr(list[i].at, list[i].length);
  }
};

// "don't" is "dont", "l'homme" is "l" and "homme"; 0.5, 1/1 and 10,000 are one number each; the
// command \alpha is "alpha". REQUIRES: text.size() < 2^31.
Tokens tokens_of(std::string_view text);

}  // namespace prompts
