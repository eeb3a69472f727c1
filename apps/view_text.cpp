#include "apps/view_text.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <span>

#include "text/utf8.h"

namespace apps {
namespace {

struct Block {
  char32_t first;
  char32_t last;
};

// Marks that are drawn over the character before them, and characters that are not drawn at all.
constexpr Block kNoColumn[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
    {0x064B, 0x065F}, {0x0900, 0x0902}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0x2060, 0x2064}, {0x3099, 0x309A},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF}};

// East_Asian_Width W and F (UAX 11), by blocks.
constexpr Block kTwoColumns[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
                                 {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
                                 {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                                 {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                                 {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
                                 {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};

// Control characters C0 and C1, line and paragraph separators, marks of direction.
constexpr Block kHarmful[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C},
                              {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};

bool within(char32_t character, std::span<const Block> blocks) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const Block& block) {
    return block.first <= character && character <= block.last;
  });
}

std::size_t columns_of(char32_t character) {
  if (character < 0x300) return 1;
  if (within(character, kNoColumn)) return 0;
  return within(character, kTwoColumns) ? 2 : 1;
}

// How many bytes of `text` fit into `width` columns.
std::size_t bytes_within(std::string_view text, std::size_t width) {
  std::size_t used = 0;
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t start = offset;
    used += columns_of(text::next_character(text, offset));
    if (used > width) return start;
  }
  return text.size();
}

std::string_view code_of(Style style) {
  switch (style) {
    case Style::Plain:
      return "";
    case Style::Strong:
      return "\x1b[1m";
    case Style::Faint:
      return "\x1b[2m";
    case Style::Good:
      return "\x1b[32m";
    case Style::Bad:
      return "\x1b[31m";
    case Style::Doubtful:
      return "\x1b[33m";
  }
  return "";
}

constexpr std::string_view kEllipsis = "\u2026";

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  std::size_t offset = 0;
  while (offset < text.size()) {
    const char32_t character = text::next_character(text, offset);
    text::append_character(result, within(character, kHarmful) ? U'\uFFFD' : character);
  }
  return result;
}

std::size_t columns(std::string_view text) {
  std::size_t used = 0;
  std::size_t offset = 0;
  while (offset < text.size()) used += columns_of(text::next_character(text, offset));
  return used;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (bytes_within(text, width) == text.size()) return std::string(text);
  if (width == 0) return "";
  return std::string(text.substr(0, bytes_within(text, width - 1))) + std::string(kEllipsis);
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t used = columns(text);
  return std::string(text) + std::string(used < width ? width - used : 0, ' ');
}

std::string padded_left(std::string_view text, std::size_t width) {
  const std::size_t used = columns(text);
  return std::string(used < width ? width - used : 0, ' ') + std::string(text);
}

std::string styled(const std::vector<Piece>& pieces, std::size_t width, Colour colour) {
  std::size_t needed = 0;
  for (const Piece& piece : pieces) needed += columns(piece.text);
  std::size_t left = width;
  const bool cut = needed > width;
  if (cut && width > 0) --left;  // for the ellipsis
  std::string line;
  for (const Piece& piece : pieces) {
    const std::size_t bytes = bytes_within(piece.text, left);
    const std::string_view shown = std::string_view(piece.text).substr(0, bytes);
    left -= columns(shown);
    const std::string_view code = colour == Colour::On && bytes > 0 ? code_of(piece.style) : "";
    line += code;
    line += shown;
    if (!code.empty()) line += "\x1b[0m";
    if (bytes < piece.text.size()) break;
  }
  if (cut && width > 0) line += kEllipsis;
  return line;
}

std::string short_count(double number) {
  // Each unit from where the one before would be rounded to a thousand.
  if (number >= 999.95e6) return fmt::format("{:.1f}G", number / 1e9);
  if (number >= 999.95e3) return fmt::format("{:.1f}M", number / 1e6);
  if (number >= 999.5) return fmt::format("{:.1f}k", number / 1e3);
  return fmt::format("{:.0f}", number);
}

std::string short_time(double seconds) {
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 3600;
  const int64_t whole = std::llround(seconds);
  if (whole < 100) return fmt::format("{} s", whole);
  if (whole < 100 * kMinute) return fmt::format("{} min", (whole + 30) / 60);
  if (whole < 100 * kHour) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{:.1f} d", double(whole) / 86400);
}

std::string table(const std::vector<Column>& layout,
                  const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const Column& column : layout) widths.push_back(columns(column.heading));
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  const auto line_of = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line += "  ";
      if (layout[i].align == Align::Right)
        line += padded_left(cells[i], widths[i]);
      else
        line += i + 1 == cells.size() ? cells[i] : padded(cells[i], widths[i]);
    }
    return line + '\n';
  };
  std::vector<std::string> headings;
  for (const Column& column : layout) headings.push_back(column.heading);
  std::string text = line_of(headings);
  for (const auto& row : rows) text += line_of(row);
  return text;
}

}  // namespace apps
