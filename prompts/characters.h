#pragma once

#include <cstddef>
#include <string_view>

namespace prompts {

// What single characters are, as far as this folder needs it.

// The character for which `character` may be taken: full-width forms and the bars and lines that
// stand in added tokens become ASCII (what NFKC would do to them).
char32_t narrow(char32_t character);

// Lower case without accents: Latin, Greek and Cyrillic; others come back unchanged.
char32_t folded(char32_t character);

bool is_letter(char32_t character);
bool is_ideograph(char32_t character);  // Chinese characters and kana: words without blanks
bool is_digit(char32_t character);      // ASCII and full-width
bool is_blank(char32_t character);      // blanks of any width, line ends, zero-width ones
bool is_line_end(char32_t character);
bool is_combining(char32_t character);
bool is_symbol(char32_t character);  // of mathematics: operators, relations, arrows, styled letters

// Shows nothing, or changes the order of what is shown.
bool is_hidden(char32_t character);

// A letter of another script that looks like a small Latin one.
bool looks_latin(char32_t character);

}  // namespace prompts
