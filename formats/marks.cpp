#include "formats/marks.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include "text/words.h"

namespace formats {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// "6/7", "6 / 7", "6 out of 7" -> "6" and "7"; otherwise the whole and nothing.
std::pair<std::string_view, std::string_view> parted(std::string_view mark) {
  for (const std::string_view word : {std::string_view("out of"), std::string_view("/")})
    if (const std::size_t at = mark.find(word); at != std::string_view::npos)
      return {text::trim(mark.substr(0, at)), text::trim(mark.substr(at + word.size()))};
  return {text::trim(mark), {}};
}

}  // namespace

std::optional<double> contest_max(std::string_view name) {
  // Marks a problem: China 21 and Putnam 10 points, the IMO and what follows it 7.
  constexpr std::array<std::pair<std::string_view, double>, 5> contests = {
      {{"cmo", 21}, {"imo", 7}, {"putnam", 10}, {"proofbench", 7}, {"pb", 7}}};
  std::string run;
  const std::string lower = text::lower_ascii(name) + ' ';
  for (const char c : lower) {
    if (is_letter(c)) {
      run += c;
      continue;
    }
    for (const auto& [contest, max] : contests)
      if (run == contest) return max;
    run.clear();
  }
  return std::nullopt;
}

std::optional<double> decimal(std::string_view text) {
  constexpr std::size_t digits_max = 30;  // more are no mark
  if (text.empty() || text.size() > digits_max || !is_digit(text.front()) || !is_digit(text.back()))
    return std::nullopt;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point)
      point = true;
    else if (!is_digit(c))
      return std::nullopt;
  }
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::variant<double, std::string> fraction_of(const MarkQuery& query) {
  const auto [mark_text, max_inline] = parted(query.mark);
  const std::string where = to_text(query.place) + ": the mark \"" + query.mark + "\"";
  const std::optional<double> mark = decimal(mark_text);
  if (!mark) return where + " is no decimal number that is 0 or more";

  std::optional<double> max;
  for (const std::string_view text :
       {std::string_view(query.max_asked), max_inline, std::string_view(query.max_column)}) {
    if (max || text::trim(text).empty()) continue;
    max = decimal(text::trim(text));
    if (!max || *max <= 0)
      return where + " has the maximum \"" + std::string(text) + "\", which is no positive number";
  }
  if (!max) max = contest_max(query.id);
  if (!max) max = contest_max(std::filesystem::path(query.place.file).stem().string());
  if (!max)
    return where + " has no maximum: name it with --max, or its column with --map max=COLUMN";
  if (*mark > *max) return where + " is above its maximum; say which it is with --max";
  return *mark / *max;
}

}  // namespace formats
