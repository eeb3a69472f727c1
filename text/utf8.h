#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace text {

// Where the first byte that is not UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above
// U+10FFFF) stands in `bytes`; nothing if all of it is UTF-8.
std::optional<std::size_t> find_invalid_utf8(std::string_view bytes);

// `bytes` with every maximal invalid piece replaced by U+FFFD, so that it can be shown and put
// into JSON. Valid text comes back unchanged.
std::string repair_utf8(std::string_view bytes);

// Decodes the character that starts at `offset` of valid UTF-8 and moves `offset` past it.
// At an invalid byte: U+FFFD, one byte further.
char32_t next_character(std::string_view bytes, std::size_t& offset);

void append_character(std::string& text, char32_t character);

// Line and column, both from 1, of the byte at `offset`; the column counts bytes.
struct Place {
  std::size_t line = 1;
  std::size_t column = 1;
};
Place place_of(std::string_view bytes, std::size_t offset);

}  // namespace text
