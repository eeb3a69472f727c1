#include "prompts/tokens.h"

#include "prompts/characters.h"
#include "text/utf8.h"

namespace prompts {
namespace {

constexpr std::size_t kElisionLetters = 2;  // "l'", "qu'": what stands behind is a word of its own

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  Tokens run() && {
    while (at_ < text_.size()) step();
    return std::move(tokens_);
  }

 private:
  char32_t character_at(std::size_t at, std::size_t& next) const {
    next = at;
    return at < text_.size() ? text::next_character(text_, next) : 0;
  }

  static bool passed_over(char32_t c) {
    return c == 0x241B || c == 0xAD || c == '*' || c == '_' || c == '`' || c == '~' ||
           is_combining(c) || (is_hidden(c) && c != 0);
  }

  void step() {
    std::size_t next = 0;
    const char32_t c = character_at(at_, next);
    if (is_ideograph(c)) return take_ideograph(c, next);
    if (is_letter(c)) return take_word(Token::Kind::Word, at_);
    if (is_digit(c)) return take_number();
    if (c == '\\') {
      std::size_t behind = 0;
      const char32_t letter = character_at(next, behind);
      const std::size_t backslash = at_;
      at_ = next;
      if (letter < 0x80 && is_letter(letter)) return take_word(Token::Kind::Command, backslash);
      return;
    }
    if (c != '*' && is_symbol(c)) {
      begin_token(Token::Kind::Symbol, at_);
      text::append_character(tokens_.folded, narrow(c));
      return end_token(next);
    }
    take_gap(c, next);
  }

  // Whatever stands between tokens: it decides only what may be a sentence.
  void take_gap(char32_t c, std::size_t next) {
    at_ = next;
    if (passed_over(c)) return;
    if (c == '\n' || c == 0x2028 || c == 0x2029) {
      if (line_end_) severed_ = true;
      line_end_ = true;
      return;
    }
    if (is_blank(c)) return;
    const char32_t plain = narrow(c);
    const bool sentence_end = plain == '.' || plain == '!' || plain == '?' || c == 0x3002;
    if (sentence_end) severed_ = true;
    const bool weak = plain == ',' || plain == '\'' || plain == '-' || c == 0x2019 || c == 0x3001 ||
                      c == 0x2010 || c == 0x2011;
    if (!weak) starts_ = true;
  }

  void take_ideograph(char32_t c, std::size_t next) {
    begin_token(Token::Kind::Ideograph, at_);
    text::append_character(tokens_.folded, c);
    end_token(next);
  }

  void take_word(Token::Kind kind, std::size_t begin) {
    begin_token(kind, begin);
    std::size_t end = at_;
    std::size_t letters = 0;
    for (std::size_t at = at_, next = 0; at < text_.size(); at = next) {
      const char32_t c = character_at(at, next);
      if (is_letter(c) && !is_ideograph(c)) {
        if (kind == Token::Kind::Command && c >= 0x80) break;
        text::append_character(tokens_.folded, folded(c));
        ++letters;
        end = next;
      } else if (kind == Token::Kind::Command || !joins(c, next, letters)) {
        break;
      }
    }
    end_token(end);
  }

  // Whether a character inside a word is none of its letters and does not end it.
  bool joins(char32_t c, std::size_t next, std::size_t letters) const {
    if (is_combining(c) || (c != 0 && is_hidden(c)) || c == 0x241B || c == 0xAD) return true;
    if (c != '\'' && c != 0x2019) return false;
    std::size_t behind = 0;
    return letters > kElisionLetters && is_letter(character_at(next, behind));
  }

  void take_number() {
    begin_token(Token::Kind::Number, at_);
    std::size_t at = at_;
    std::size_t next = 0;
    for (; at < text_.size(); at = next) {
      const char32_t c = character_at(at, next);
      const char32_t plain = narrow(c);
      if (!is_digit(c)) {
        std::size_t behind = 0;
        const bool inner = plain == '.' || plain == ',' || plain == '/';
        if (!inner || next >= text_.size() || !is_digit(character_at(next, behind))) break;
      }
      text::append_character(tokens_.folded, plain);
    }
    end_token(at);
  }

  void begin_token(Token::Kind kind, std::size_t begin) {
    Token token;
    token.kind = kind;
    // A line's begin opens a sentence only for a capital: else it is a wrapped line.
    std::size_t next = 0;
    const char32_t first = character_at(begin, next);
    const bool capital = !(first < 0x80 && first >= 'a' && first <= 'z');
    token.severed = severed_ || tokens_.list.empty();
    token.starts = token.severed || starts_ || (line_end_ && capital);
    token.at = static_cast<uint32_t>(tokens_.folded.size());
    token.begin = static_cast<uint32_t>(begin);
    tokens_.list.push_back(token);
    starts_ = severed_ = line_end_ = false;
  }

  void end_token(std::size_t end) {
    Token& token = tokens_.list.back();
    token.length = static_cast<uint32_t>(tokens_.folded.size()) - token.at;
    token.end = static_cast<uint32_t>(end);
    at_ = end;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Tokens tokens_;
  bool starts_ = false;
  bool severed_ = false;
  bool line_end_ = false;
};

}  // namespace

Tokens tokens_of(std::string_view text) { return Tokenizer(text).run(); }

}  // namespace prompts
