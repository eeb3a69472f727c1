#include "prompts/plain_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "prompts/characters.h"
#include "text/utf8.h"

namespace prompts {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::size_t kCommandLettersMax = 24;

// TeX commands that only set space, size or mode. Sorted.
constexpr std::array<std::string_view, 28> kSilent{
    "Big",      "Bigg",  "Biggl",  "Biggr",    "Bigl",      "Bigr",         "big",
    "bigg",     "biggl", "biggr",  "bigl",     "bigr",      "displaystyle", "enspace",
    "hfill",    "left",  "limits", "medspace", "middle",    "newline",      "noindent",
    "nolimits", "qquad", "quad",   "right",    "textstyle", "thickspace",   "thinspace"};
static_assert(std::is_sorted(kSilent.begin(), kSilent.end()));

// Other spellings of a command.
constexpr std::array<Pair, 14> kSynonyms{{{"leq", "le"},
                                          {"geq", "ge"},
                                          {"leqslant", "le"},
                                          {"geqslant", "ge"},
                                          {"neq", "ne"},
                                          {"dfrac", "frac"},
                                          {"tfrac", "frac"},
                                          {"dbinom", "binom"},
                                          {"rightarrow", "to"},
                                          {"lbrace", "{"},
                                          {"rbrace", "}"},
                                          {"lvert", "|"},
                                          {"rvert", "|"},
                                          {"vert", "|"}}};
constexpr std::array<std::string_view, 6> kDots{"dots",  "ldots", "cdots",
                                                "dotsc", "dotsb", "dotsm"};

// Unicode signs and the command, or the ASCII sign, that they are taken for.
constexpr std::array<std::pair<char32_t, std::string_view>, 29> kSigns{
    {{0x2264, "\\le"},    {0x2265, "\\ge"},    {0x2A7D, "\\le"},   {0x2A7E, "\\ge"},
     {0x2260, "\\ne"},    {0x00D7, "\\times"}, {0x00B7, "\\cdot"}, {0x22C5, "\\cdot"},
     {0x2208, "\\in"},    {0x2209, "\\notin"}, {0x2192, "\\to"},   {0x221E, "\\infty"},
     {0x2261, "\\equiv"}, {0x2212, "-"},       {0x2010, "-"},      {0x2011, "-"},
     {0x2013, "-"},       {0x2014, "-"},       {0x2018, "'"},      {0x2019, "'"},
     {0x2032, "'"},       {0x201C, "\""},      {0x201D, "\""},     {0x201E, "\""},
     {0x03B1, "\\alpha"}, {0x03B2, "\\beta"},  {0x03C0, "\\pi"},   {0x03B5, "\\epsilon"},
     {0x03BB, "\\lambda"}}};

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

class Plainer {
 public:
  explicit Plainer(std::string_view text) : text_(text) {
    plain_.bytes.reserve(text.size());
    plain_.sources.reserve(text.size());
  }

  PlainText run() && {
    while (at_ < text_.size()) step();
    return std::move(plain_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '\\') return take_command();
    if (c == '.' && text_.substr(at_).starts_with("...")) return take_dots();
    if (static_cast<unsigned char>(c) < 0x80) {
      // Groups, formula borders, ties, alignment, emphasis, headings.
      constexpr std::string_view silent = "{}$~&*_`#";
      const bool skipped = silent.find(c) != std::string_view::npos || is_blank(c);
      return emit(skipped ? std::string_view() : text_.substr(at_, 1), at_ + 1);
    }
    take_character();
  }

  void take_character() {
    std::size_t next = at_;
    const char32_t c = text::next_character(text_, next);
    constexpr char32_t mark = 0x241B;
    if (c == mark || is_blank(c) || c == 0xAD) return emit({}, next);
    if (c == 0x2026 || c == 0x22EF) return emit({&kEllipsis, 1}, next);
    for (const auto& [sign, spelling] : kSigns)
      if (sign == c) return emit(spelling, next);
    emit(text_.substr(at_, next - at_), next);
  }

  void take_dots() {
    std::size_t next = at_;
    while (next < text_.size() && text_[next] == '.') ++next;
    emit({&kEllipsis, 1}, next);
  }

  void take_command() {
    std::size_t next = at_ + 1;
    while (next < text_.size() && is_ascii_letter(text_[next]) && next - at_ <= kCommandLettersMax)
      ++next;
    const std::string_view name = text_.substr(at_ + 1, next - at_ - 1);
    if (name.empty()) return take_escaped();
    if (std::binary_search(kSilent.begin(), kSilent.end(), name)) return emit({}, next);
    if (std::find(kDots.begin(), kDots.end(), name) != kDots.end())
      return emit({&kEllipsis, 1}, next);
    for (const auto& [other, spelling] : kSynonyms)
      if (other == name)
        return emit(spelling.size() > 1 ? "\\" + std::string(spelling) : std::string(spelling),
                    next);
    emit(text_.substr(at_, next - at_), next);
  }

  // A backslash and one sign: \{ is a brace that counts, \, and \\ are space.
  void take_escaped() {
    const std::size_t sign = at_ + 1;
    if (sign >= text_.size()) return emit({}, sign);
    constexpr std::string_view counting = "{}%#&_$|";
    if (counting.find(text_[sign]) != std::string_view::npos)
      return emit(text_.substr(sign, 1), sign + 1);
    constexpr std::string_view spacing = ",;:!> \\()[]/\n\r\t";
    if (spacing.find(text_[sign]) != std::string_view::npos) return emit({}, sign + 1);
    emit({}, sign);  // a lone backslash; what follows is read by itself
  }

  // `plain` in the place of the source bytes from at_ to `end`.
  void emit(std::string_view plain, std::size_t end) {
    const PlainText::Source source{static_cast<uint32_t>(at_), static_cast<uint32_t>(end)};
    plain_.bytes.append(plain);
    plain_.sources.resize(plain_.bytes.size(), source);
    at_ = end;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  PlainText plain_;
};

}  // namespace

PlainText plain_text(std::string_view text) { return Plainer(text).run(); }

}  // namespace prompts
