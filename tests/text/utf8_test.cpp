#include "text/utf8.h"

#include <doctest/doctest.h>

TEST_SUITE("text/utf8") {
  TEST_CASE("valid text has no invalid byte and is repaired to itself") {
    for (const std::string_view valid : {"", "abc", "\u00e9", "\u20ac", "\U0001F600"}) {
      CHECK_FALSE(text::find_invalid_utf8(valid));
      CHECK(text::repair_utf8(valid) == valid);
    }
  }

  TEST_CASE("overlong forms, surrogates and numbers above U+10FFFF are invalid") {
    for (const std::string_view bad :
         {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xFF"}) {
      CHECK(text::find_invalid_utf8(bad) == 0);
      CHECK_FALSE(text::find_invalid_utf8(text::repair_utf8(bad)));
    }
  }

  TEST_CASE("a character cut at the end becomes one replacement character") {
    CHECK(text::repair_utf8("a\xE2\x82") == "a\xEF\xBF\xBD");
  }

  TEST_CASE("decoding and encoding give every character back") {
    for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 97) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      std::string bytes;
      text::append_character(bytes, c);
      std::size_t offset = 0;
      REQUIRE(text::next_character(bytes, offset) == c);
      REQUIRE(offset == bytes.size());
    }
  }

  TEST_CASE("a place counts lines and columns from one") {
    const text::Place place = text::place_of("ab\ncd", 4);
    CHECK(place.line == 2);
    CHECK(place.column == 2);
  }
}
