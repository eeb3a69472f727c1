#include "engine/share_rows.h"

#include <doctest/doctest.h>

using engine::Lane;
using engine::share_rows;
using engine::Wanting;
using Rows = std::vector<int32_t>;

namespace {
constexpr Lane G = Lane::Generate, V = Lane::Verify, M = Lane::MetaVerify;

Rows shared(const std::vector<Wanting>& samples, int32_t rows_max, Lane first = G) {
  return share_rows(samples, rows_max, first);
}
}  // namespace

TEST_SUITE("engine/share_rows") {
  TEST_CASE("who wants one row gets it before anybody gets many") {
    CHECK(shared({{G, 100}, {V, 1}, {V, 1}}, 10) == Rows{8, 1, 1});
    CHECK(shared({{G, 100}, {V, 1}, {V, 1}}, 3) == Rows{1, 1, 1});
  }

  TEST_CASE("all that fits is given") {
    CHECK(shared({{G, 5}, {V, 6}, {M, 7}}, 18) == Rows{5, 6, 7});
    CHECK(shared({{G, 5}}, 100) == Rows{5});
    CHECK(shared({}, 10) == Rows{});
  }

  TEST_CASE("within a lane the first is served first") {
    CHECK(shared({{V, 50}, {V, 50}, {V, 50}}, 64) == Rows{50, 14, 0});
  }

  TEST_CASE("lanes share alike, however much they want") {
    CHECK(shared({{G, 1000}, {G, 1000}, {V, 50}, {M, 50}}, 90) == Rows{30, 0, 30, 30});
  }

  TEST_CASE("what a lane does not need goes to the others") {
    CHECK(shared({{G, 1000}, {V, 10}, {M, 1000}}, 90) == Rows{40, 10, 40});
    CHECK(shared({{G, 1000}, {V, 10}}, 90) == Rows{80, 10});
  }

  TEST_CASE("a remainder goes to the lane whose turn it is") {
    CHECK(shared({{G, 100}, {V, 100}, {M, 100}}, 4, G) == Rows{2, 1, 1});
    CHECK(shared({{G, 100}, {V, 100}, {M, 100}}, 4, V) == Rows{1, 2, 1});
    CHECK(shared({{G, 100}, {V, 100}}, 2, M) == Rows{1, 1});
    CHECK(shared({{G, 100}, {M, 100}, {V, 1}}, 3, M) == Rows{1, 1, 1});
  }

  TEST_CASE("no row is left while anybody wants one") {
    for (int32_t rows = 3; rows < 40; ++rows)
      for (int32_t g = 1; g < 15; ++g)
        for (int32_t v = 1; v < 15; ++v) {
          const auto given = shared({{G, g}, {V, v}, {V, 3}}, rows, V);
          CHECK(given[0] + given[1] + given[2] == std::min(rows, g + v + 3));
        }
  }
}
