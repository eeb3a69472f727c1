#include "text/utf8.h"

#include <algorithm>

namespace text {
namespace {

struct Decoded {
  char32_t character = 0xFFFD;
  std::size_t length = 1;  // bytes of the character, or of the maximal invalid piece
  bool valid = false;
};

// Table 3-7 of the Unicode standard: the second byte's range depends on the first.
Decoded decode(std::string_view bytes, std::size_t offset) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = at(offset);
  if (first < 0x80) return {first, 1, true};

  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  char32_t character = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
    character = first & 0x1F;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    character = first & 0x0F;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    character = first & 0x07;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {};
  }

  for (std::size_t i = 1; i < length; ++i) {
    if (offset + i >= bytes.size() || at(offset + i) < low || at(offset + i) > high)
      return {0xFFFD, i, false};
    character = character << 6 | (at(offset + i) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {character, length, true};
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view bytes) {
  std::size_t offset = 0;
  while (offset < bytes.size()) {
    const Decoded decoded = decode(bytes, offset);
    if (!decoded.valid) return offset;
    offset += decoded.length;
  }
  return std::nullopt;
}

std::string repair_utf8(std::string_view bytes) {
  std::string repaired;
  repaired.reserve(bytes.size());
  std::size_t offset = 0;
  while (offset < bytes.size()) {
    const Decoded decoded = decode(bytes, offset);
    if (decoded.valid)
      repaired.append(bytes.substr(offset, decoded.length));
    else
      repaired.append("\xEF\xBF\xBD");
    offset += decoded.length;
  }
  return repaired;
}

char32_t next_character(std::string_view bytes, std::size_t& offset) {
  const Decoded decoded = decode(bytes, offset);
  offset += decoded.valid ? decoded.length : 1;
  return decoded.character;
}

void append_character(std::string& text, char32_t character) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0 | character >> 6);
    put(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    put(0xE0 | character >> 12);
    put(0x80 | (character >> 6 & 0x3F));
    put(0x80 | (character & 0x3F));
  } else {
    put(0xF0 | character >> 18);
    put(0x80 | (character >> 12 & 0x3F));
    put(0x80 | (character >> 6 & 0x3F));
    put(0x80 | (character & 0x3F));
  }
}

Place place_of(std::string_view bytes, std::size_t offset) {
  const std::string_view before = bytes.substr(0, std::min(offset, bytes.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n');
  return {static_cast<std::size_t>(lines) + 1,
          before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1};
}

}  // namespace text
