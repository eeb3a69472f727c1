#include "pipeline/ranking.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace pipeline;

namespace {

Ranked ranked(int64_t number, int64_t halves, int64_t counted) {
  return {.place = {.round = 0, .way = {number}},
          .complete = true,
          .halves = halves,
          .counted = counted};
}

}  // namespace

TEST_SUITE("pipeline/ranking") {
  TEST_CASE("places are ordered by round first, then by the way") {
    const Place first{.round = 0, .way = {3}};
    const Place child = refinement_of(first, 1, 0);

    CHECK(first < child);
    CHECK(child < refinement_of(first, 1, 1));
    CHECK(to_text(child) == "r1.3.1.0");
  }

  TEST_CASE("the better mean ranks first, also over different numbers of votes") {
    CHECK(better(ranked(0, 8, 4), ranked(1, 15, 8)));        // 1 against 0.9375
    CHECK_FALSE(better(ranked(0, 0, 0), ranked(1, 1, 64)));  // nothing counted is nothing
  }

  TEST_CASE("a tally that was stopped early never ranks before a complete one") {
    Ranked stopped = ranked(0, 7, 4);
    stopped.complete = false;
    CHECK(better(ranked(1, 1, 64), stopped));
  }

  TEST_CASE("with nothing unjudged the best are chosen, best first") {
    const std::vector<Ranked> judged{ranked(0, 2, 4), ranked(1, 8, 4), ranked(2, 5, 4)};
    CHECK(sure_members(judged, 0, 2) == std::vector<std::size_t>{1, 2});
  }

  TEST_CASE("when all fit, each is sure as soon as it is judged") {
    const std::vector<Ranked> judged{ranked(0, 2, 4)};
    CHECK(sure_members(judged, 3, 4) == std::vector<std::size_t>{0});
  }

  TEST_CASE("whoever is called sure early is among the best in the end, in any order of arrival") {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
      std::vector<Ranked> all;
      for (int64_t i = 0; i < 12; ++i) all.push_back(ranked(i, int64_t(random() % 9), 4));
      std::shuffle(all.begin(), all.end(), random);
      std::vector<Place> final_places;
      for (const std::size_t i : sure_members(all, 0, 5)) final_places.push_back(all[i].place);

      for (std::size_t judged = 1; judged < all.size(); ++judged) {
        const std::vector<Ranked> so_far(all.begin(), all.begin() + long(judged));
        for (const std::size_t i : sure_members(so_far, int64_t(all.size() - judged), 5))
          REQUIRE(std::count(final_places.begin(), final_places.end(), so_far[i].place) == 1);
      }
    }
  }

  TEST_CASE("votes are shown worst first, and equals by lot") {
    const std::vector<int64_t> halves{2, 0, 1, 0};
    const auto order = worst_first(halves, 1);
    CHECK(halves[order[0]] == 0);
    CHECK(halves[order[1]] == 0);
    CHECK(halves[order[2]] == 1);
    CHECK(worst_first(halves, 1) == order);
    bool differs = false;
    for (uint64_t lot = 2; lot < 20; ++lot) differs = differs || worst_first(halves, lot) != order;
    CHECK(differs);
  }
}
