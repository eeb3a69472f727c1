#include "prompts/characters.h"

namespace prompts {
namespace {

// The base letters of U+00C0 .. U+017F (Latin-1 Supplement and Latin Extended-A), in lower case.
constexpr std::string_view kLatinBase =
    "aaaaaaaceeeeiiiidnooooo*ouuuuyts"
    "aaaaaaaceeeeiiiidnooooo/ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllll"
    "nnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(kLatinBase.size() == 0x180 - 0xC0, "one base for each letter");

bool between(char32_t c, char32_t low, char32_t high) { return c >= low && c <= high; }

}  // namespace

char32_t narrow(char32_t c) {
  if (between(c, 0xFF01, 0xFF5E)) return c - 0xFEE0;  // full-width ASCII
  switch (c) {
    case 0xFE64:
      return '<';
    case 0xFE65:
      return '>';
    case 0xFE68:
      return '\\';
    case 0xFFE8:  // half-width light vertical
      return '|';
    case 0x2581:  // the word separator of sentencepiece and of DeepSeek's tokens
      return '_';
    default:
      return c;
  }
}

char32_t folded(char32_t c) {
  c = narrow(c);
  if (between(c, 'A', 'Z')) return c + ('a' - 'A');
  if (between(c, 0xC0, 0x17F)) return static_cast<unsigned char>(kLatinBase[c - 0xC0]);
  if (between(c, 0x391, 0x3A9)) return c + 0x20;
  if (between(c, 0x410, 0x42F)) return c + 0x20;
  if (c == 0x401 || c == 0x451) return 0x435;  // io is mostly written as ie
  if (between(c, 0x400, 0x40F)) return c + 0x50;
  return c;
}

bool is_ideograph(char32_t c) {
  return between(c, 0x3041, 0x30FF) || between(c, 0x3400, 0x4DBF) || between(c, 0x4E00, 0x9FFF) ||
         between(c, 0xF900, 0xFAFF) || between(c, 0x20000, 0x3FFFF);
}

bool is_letter(char32_t c) {
  c = narrow(c);
  if (c < 0x80) return between(c, 'a', 'z') || between(c, 'A', 'Z');
  if (c < 0xC0) return false;
  if (c == 0xD7 || c == 0xF7) return false;
  return between(c, 0xC0, 0x2AF) || between(c, 0x370, 0x1FFF) || between(c, 0xAC00, 0xD7A3) ||
         is_ideograph(c);
}

bool is_digit(char32_t c) { return between(narrow(c), '0', '9'); }

bool is_line_end(char32_t c) {
  return between(c, '\n', '\r') || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_blank(char32_t c) {
  return c == ' ' || c == '\t' || is_line_end(c) || c == 0xA0 || between(c, 0x2000, 0x200F) ||
         between(c, 0x202A, 0x202F) || between(c, 0x205F, 0x2069) || c == 0x3000 || c == 0xFEFF;
}

bool is_combining(char32_t c) { return between(c, 0x300, 0x36F) || between(c, 0xFE00, 0xFE0F); }

bool is_symbol(char32_t c) {
  c = narrow(c);
  if (c < 0x80) return std::u32string_view(U"=+-<>^/*|").find(c) != std::u32string_view::npos;
  return c == 0xD7 || c == 0xF7 || c == 0xB1 || c == 0xAC || c == 0xB2 || c == 0xB3 ||
         between(c, 0x2070, 0x209F) || between(c, 0x2190, 0x22FF) || between(c, 0x27C0, 0x27FF) ||
         between(c, 0x2900, 0x2BFF) || between(c, 0x2100, 0x214F) || between(c, 0x25A0, 0x25FF) ||
         between(c, 0x1D400, 0x1D7FF);
}

bool is_hidden(char32_t c) {
  return between(c, 0x202A, 0x202E) || between(c, 0x2066, 0x2069) ||      // bidirectional controls
         c == 0x200B || c == 0x2060 || c == 0xFEFF || c == 0x180E ||      // zero width
         between(c, 0xE0000, 0xE007F) || between(c, 0xE0100, 0xE01EF) ||  // tags, selectors
         (c < 0x20 && !is_line_end(c) && c != '\t') || c == 0x7F;
}

bool looks_latin(char32_t c) {
  // Cyrillic a e o p c y x s i j h d; Greek omicron; Armenian and others are rare enough to leave.
  constexpr std::u32string_view alike =
      U"\u0430\u0435\u043E\u0440\u0441\u0443\u0445\u0455\u0456"
      U"\u0458\u04BB\u0501\u03BF\u0432\u043A\u043C\u043D\u0442";
  return alike.find(c) != std::u32string_view::npos;
}

}  // namespace prompts
