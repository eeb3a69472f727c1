#include "text/json_size.h"

#include <doctest/doctest.h>

#include <string>

using text::find_json_excess;

TEST_SUITE("text/json_size") {
  TEST_CASE("nesting may reach the limit and not pass it") {
    CHECK_FALSE(find_json_excess("[[1]]", {.depth = 2}));
    CHECK(find_json_excess("[[[1]]]", {.depth = 2}) == 2);
    CHECK(find_json_excess("{\"a\":[{}]}", {.depth = 2}) == 6);
    CHECK_FALSE(find_json_excess("[[],[],{}]", {.depth = 2}));
  }

  TEST_CASE("without a limit given 64 levels are allowed") {
    CHECK_FALSE(find_json_excess(std::string(64, '['), {}));
    CHECK(find_json_excess(std::string(65, '['), {}) == 64);
  }

  TEST_CASE("values may reach the limit and not pass it") {
    CHECK_FALSE(find_json_excess("[1,2]", {.values = 3}));
    CHECK(find_json_excess("[1,2,3]", {.values = 3}) == 4);
    CHECK(find_json_excess("[1,[]]", {.values = 3}) == 3);  // as if there were one in it
    CHECK_FALSE(find_json_excess("[1,[]]", {.values = 4}));
    CHECK(find_json_excess("[[[[", {.values = 3}) == 2);
  }

  TEST_CASE("brackets, commas and quotes inside strings do not count") {
    CHECK_FALSE(find_json_excess(R"(["[[,,","\"[["])", {.depth = 1, .values = 3}));
  }

  TEST_CASE("what is no JSON is left to the parser") {
    CHECK_FALSE(find_json_excess("]]]][", {.depth = 1}));
    CHECK_FALSE(find_json_excess("\"[[[", {.depth = 1}));
    CHECK_FALSE(find_json_excess("\"\\", {.depth = 1}));
    CHECK_FALSE(find_json_excess("", {.depth = 1}));
  }
}
