#include "text/words.h"

#include <doctest/doctest.h>

TEST_SUITE("text/words") {
  TEST_CASE("the nearest known word is offered for a slip of the finger, and for nothing else") {
    const std::vector<std::string> known{"rounds", "votes", "quorum"};

    CHECK(text::nearest("ruonds", known) == "rounds");
    CHECK(text::nearest("vote", known) == "votes");
    CHECK_FALSE(text::nearest("temperature", known));
  }

  TEST_CASE("lines lose LF and CRLF, and a last line needs neither") {
    CHECK(text::lines_of("a\r\nb\nc") == std::vector<std::string_view>{"a", "b", "c"});
    CHECK(text::lines_of("").empty());
  }
}
