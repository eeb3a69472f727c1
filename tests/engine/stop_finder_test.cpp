#include "engine/stop_finder.h"

#include <doctest/doctest.h>

using engine::StopFinder;

namespace {
// After which piece which stop was found: {-1, -1} for none.
std::pair<int, int> found(std::vector<std::string> stops, const std::vector<std::string>& pieces) {
  StopFinder finder(std::move(stops));
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (const auto stop = finder.add(pieces[i])) return {int(i), int(*stop)};
  return {-1, -1};
}
using Where = std::pair<int, int>;
}  // namespace

TEST_SUITE("engine/stop_finder") {
  TEST_CASE("a text in one piece is found") {
    CHECK(found({"stop"}, {"go", "now stop here"}) == Where{1, 0});
    CHECK(found({"stop"}, {"go", "on"}) == Where{-1, -1});
    CHECK(found({}, {"go"}) == Where{-1, -1});
  }

  TEST_CASE("a text over many pieces is found") {
    CHECK(found({"stop"}, {"s", "t", "o", "p"}) == Where{3, 0});
    CHECK(found({"stop"}, {"xs", "", "topx"}) == Where{2, 0});
    CHECK(found({"aab"}, {"a", "a", "a", "b"}) == Where{3, 0});
    CHECK(found({"\xE2\x88\x8E"}, {"\xE2", "\x88", "\x8E"}) == Where{2, 0});
  }

  TEST_CASE("of several the one that ends first is found, then the first of the list") {
    CHECK(found({"long stop", "st"}, {"a long stop"}) == Where{0, 1});
    CHECK(found({"op", "stop"}, {"stop"}) == Where{0, 0});
    CHECK(found({"stop", "op"}, {"stop"}) == Where{0, 0});
  }
}
