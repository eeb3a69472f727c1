#include "model/tokenizer_pattern.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdlib>

#include "model/config.h"
#include "model/files.h"

namespace model {
namespace {

// Oniguruma's \s: White_Space. PCRE2's own has U+180E besides, which has been no space since
// Unicode 6.3. The last part is a range, so that a '-' behind it is a plain character.
constexpr std::string_view kSpaces =
    R"(\t-\r\x20\x{85}\x{a0}\x{1680}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{2000}-\x{200a})";
constexpr std::string_view kNotSpaces = R"(\S\x{180e})";

constexpr std::string_view kCallMark = "(?C1)";
// {1,3} is no loop to watch; {60000} is.
constexpr std::size_t kShortInterval = 4;

constexpr std::array<std::string_view, 37> kCategories = {
    "C",  "Cc", "Cf", "Cn", "Co", "Cs", "L",  "Ll", "Lm", "Lo", "Lt", "Lu", "M",
    "Mc", "Me", "Mn", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Pe", "Pf", "Pi",
    "Po", "Ps", "S",  "Sc", "Sk", "Sm", "So", "Z",  "Zl", "Zp", "Zs"};
constexpr std::array<std::string_view, 10> kScripts = {"Arabic", "Cyrillic", "Greek",    "Han",
                                                       "Hangul", "Hebrew",   "Hiragana", "Katakana",
                                                       "Latin",  "Thai"};
constexpr std::array<std::string_view, 7> kGroups = {"?:", "?=", "?!", "?<=", "?<!", "?>", "?i:"};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  TranslatedPattern run() {
    while (at_ < pattern_.size()) {
      const std::size_t from = at_;
      take_one();
      if (from == 0) first_atom_ = {at_, out_};
    }
    if (ignores_case_ && cased_) refuse("ignores case and asks for a category of letters by case");
    const char first = pattern_.empty() ? 'x' : pattern_[0];
    if ((first == '[' || first == '\\') && pattern_.substr(first_atom_.end) == "+$")
      return {out_ + "|(" + first_atom_.text + "+)", true};
    return {out_, false};
  }

 private:
  struct Atom {
    std::size_t end = 0;
    std::string text;
  };

  [[noreturn]] void refuse(const std::string& what) const {
    throw Refused("tokenizer.json: the pattern " + in_quotes(pattern_) + " " + what +
                  ", which is not supported");
  }

  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }

  void take_one() {
    switch (peek()) {
      case '\\':
        return take_escape(Place::Outside);
      case '[':
        return take_set();
      case '(':
        return take_group();
      case '{':
        return take_interval();
      case '*':
      case '+':
        return take_repetition();
      default:
        out_ += pattern_[at_++];
    }
  }

  void take_group() {
    const std::string_view rest = pattern_.substr(at_ + 1);
    if (rest.starts_with('*')) refuse("has the group (*");
    out_ += pattern_[at_++];
    if (!rest.starts_with('?')) return;
    for (const std::string_view group : kGroups) {
      if (!rest.starts_with(group)) continue;
      if (group == "?i:") ignores_case_ = true;
      out_ += group;
      at_ += group.size();
      return;
    }
    refuse("has a group other than (?: (?= (?! (?<= (?<! (?> (?i:");
  }

  // With what makes it possessive or lazy. The mark is where PCRE2 calls us.
  void take_repetition() {
    out_ += pattern_[at_++];
    if (peek() == '+' || peek() == '?') out_ += pattern_[at_++];
    out_ += kCallMark;
  }

  // {n} {n,} {n,m}. In Ruby, unlike PCRE2, a '+' behind them repeats and a '?' makes optional.
  void take_interval() {
    const std::size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) refuse("has a { that is not escaped");
    const std::string_view inside = pattern_.substr(at_ + 1, end - at_ - 1);
    const bool digits = inside.find_first_not_of("0123456789,") == std::string_view::npos &&
                        std::count(inside.begin(), inside.end(), ',') <= 1;
    if (inside.empty() || inside.front() == ',' || !digits)
      refuse("has a { that is neither {n} nor {n,} nor {n,m}");
    out_ += pattern_.substr(at_, end - at_ + 1);
    at_ = end + 1;
    if (peek() == '+' || peek() == '?') refuse("has + or ? behind {n,m}");
    const bool short_one = inside.back() != ',' && inside.size() <= kShortInterval;
    if (!short_one) out_ += kCallMark;
  }

  enum class Place { Outside, InSet };
  enum class Last { Start, Character, Dash, Set };

  // Oniguruma's sets may hold sets and intersections; PCRE2 takes '[' and '&&' as characters.
  void take_set() {
    out_ += pattern_[at_++];
    if (peek() == '^') out_ += pattern_[at_++];
    if (peek() == ']') refuse("has a set that begins with ]");
    Last last = Last::Start;
    while (peek() != ']') {
      if (at_ >= pattern_.size()) refuse("has a set without an end");
      if (peek() == '[') refuse("has a [ in a set that is not escaped");
      if (peek() == '&' && peek(1) == '&') refuse("has && in a set");
      const bool class_follows =
          peek() == '\\' && std::string_view("sSdDpP").find(peek(1)) != std::string_view::npos;
      if (class_follows && last == Last::Dash) refuse("has a range that ends in a class");
      const bool dash = peek() == '-' && last != Last::Start && peek(1) != ']';
      if (dash && last == Last::Set) refuse("has a range that begins with a class");
      if (peek() == '\\')
        take_escape(Place::InSet);
      else
        out_ += pattern_[at_++];
      last = class_follows ? Last::Set : dash ? Last::Dash : Last::Character;
    }
    out_ += pattern_[at_++];
  }

  void take_escape(Place place) {
    const char letter = peek(1);
    at_ += 2;
    const bool in_set = place == Place::InSet;
    switch (letter) {
      case 'n':
      case 'r':
      case 't':
      case 'f':
      case 'a':
      case 'e':
        out_ += {'\\', letter};
        return;
      case 'v':
        out_ += "\\x0b";
        return;
      case 's':
        out_ += in_set ? std::string(kSpaces) : "[" + std::string(kSpaces) + "]";
        return;
      case 'S':
        out_ += in_set ? std::string(kNotSpaces) : "[" + std::string(kNotSpaces) + "]";
        return;
      case 'd':
        out_ += "\\p{Nd}";
        return;
      case 'D':
        out_ += "\\P{Nd}";
        return;
      case 'p':
      case 'P':
        return take_property(letter);
      case 'x':
      case 'u':
        return take_number(letter);
      default:
        return take_plain(letter);
    }
  }

  void take_property(char letter) {
    const std::size_t end = pattern_.find('}', at_);
    if (peek() != '{' || end == std::string_view::npos) refuse("has \\p without {");
    const std::string_view name = pattern_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    // PCRE2 takes a script's name alone for its extensions as well.
    const bool script = std::ranges::find(kScripts, name) != kScripts.end();
    if (!script && std::ranges::find(kCategories, name) == kCategories.end())
      refuse("has \\p with a name that is neither a category (L, Nd) nor a known script");
    cased_ = cased_ || name == "Lu" || name == "Ll" || name == "Lt";
    out_ += std::string{'\\', letter} + (script ? "{sc:" : "{") + std::string(name) + "}";
  }

  // \xHH of ASCII, \x{H...}, \uHHHH.
  void take_number(char letter) {
    const bool braced = letter == 'x' && peek() == '{';
    if (braced) ++at_;
    const std::size_t most = braced ? 6 : letter == 'u' ? 4 : 2;
    std::string digits;
    while (digits.size() < most && std::isxdigit(static_cast<unsigned char>(peek())) != 0)
      digits += pattern_[at_++];
    const bool whole = braced ? peek() == '}' && !digits.empty() : digits.size() == most;
    if (!whole) refuse("has a character by number that is not \\xHH, \\x{H} or \\uHHHH");
    if (braced) ++at_;
    const uint32_t number = uint32_t(std::strtoul(digits.c_str(), nullptr, 16));
    if (letter == 'x' && !braced && number >= 0x80) refuse("has \\x80 or above without { }");
    out_ += "\\x{" + digits + "}";
  }

  void take_plain(char letter) {
    const bool punctuation =
        letter > ' ' && letter < 0x7F && std::isalnum(static_cast<unsigned char>(letter)) == 0;
    if (!punctuation && letter != ' ')
      refuse(letter > ' ' && letter < 0x7F ? std::string("has \\") + letter
                                           : "escapes a character that needs it not");
    out_ += {'\\', letter};
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string out_;
  Atom first_atom_;
  bool ignores_case_ = false;
  bool cased_ = false;
};

}  // namespace

TranslatedPattern translate_pattern(std::string_view pattern) { return Translator(pattern).run(); }

TranslatedPattern quote_pattern(std::string_view literal) {
  std::string quoted;
  for (const char character : literal) {
    if (std::ispunct(static_cast<unsigned char>(character)) != 0 || character == ' ')
      quoted += '\\';
    quoted += character;
  }
  return {quoted, false};
}

}  // namespace model
