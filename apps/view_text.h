#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace apps {

// Text as a terminal shows it. Widths are in columns: 2 for East Asian wide characters and most
// emoji, 0 for combining marks, as Unicode 14 has it (tables in view_text.cpp, whole blocks).

// What comes from elsewhere, made harmless for a terminal: valid UTF-8, and every control
// character, line end and mark that turns the direction of writing replaced by U+FFFD.
std::string printable(std::string_view text);

// REQUIRES for the next three: printable text.
std::size_t columns(std::string_view text);
// The text if it fits, else its beginning and an ellipsis; never wider than `width`.
std::string shortened(std::string_view text, std::size_t width);
// Blanks added behind it (or before it) up to `width`; a text that is wider comes back as it is.
std::string padded(std::string_view text, std::size_t width);
std::string padded_left(std::string_view text, std::size_t width);

// A line of pieces in different colours, cut at the terminal's width.
enum class Style { Plain, Strong, Faint, Good, Bad, Doubtful };
struct Piece {
  std::string text;
  Style style = Style::Plain;
};
enum class Colour { Off, On };
std::string styled(const std::vector<Piece>& pieces, std::size_t width, Colour colour);

// "950", "12.3k", "4.5M"; "45 s", "12 min", "3 h 05 min".
std::string short_count(double number);
std::string short_time(double seconds);

// Columns of text under headings, parted by two blanks; figures stand to the right. The last
// column is not padded.
enum class Align { Left, Right };
struct Column {
  std::string heading;
  Align align = Align::Left;
};
std::string table(const std::vector<Column>& layout,
                  const std::vector<std::vector<std::string>>& rows);

}  // namespace apps
