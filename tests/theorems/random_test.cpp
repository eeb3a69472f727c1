#include "theorems/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

using namespace theorems;

TEST_SUITE("theorems/random") {
  TEST_CASE("the numbers are those of SplitMix64 on every machine") {
    // The first outputs of the published program for the seed 1234567.
    Random random(1234567);
    CHECK(random.next() == 6457827717110365317u);
    CHECK(random.next() == 3203168211198807973u);
    CHECK(random.next() == 9817491932198370423u);
  }

  TEST_CASE("draws below, between and by chance are recorded numbers") {
    Random random(1);
    std::array<int64_t, 6> drawn = {};
    for (int64_t& number : drawn) number = random.below(100);
    CHECK(drawn == std::array<int64_t, 6>{56, 74, 97, 44, 44, 76});
    CHECK(seed_of(1, 0) == 15916886550466581944u);
  }

  TEST_CASE("draws stay in their range and reach both ends") {
    Random random(2);
    std::set<int64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(random.between(-2, 2));
    CHECK(seen == std::set<int64_t>{-2, -1, 0, 1, 2});
    CHECK(random.below(1) == 0);
    for (int i = 0; i < 100; ++i) {
      CHECK_FALSE(random.chance(0));
      CHECK(random.chance(1));
    }
  }

  TEST_CASE("draws are even: each of ten numbers comes about a tenth of the time") {
    Random random(3);
    std::array<int, 10> counts = {};
    for (int i = 0; i < 100'000; ++i) ++counts[std::size_t(random.below(10))];
    for (const int count : counts) CHECK(std::abs(count - 10'000) < 500);  // five deviations
  }

  TEST_CASE("a shuffle keeps all items and depends on the seed alone") {
    std::vector<int> first = {1, 2, 3, 4, 5, 6, 7, 8}, second = first;
    Random one(9), same(9);
    one.shuffle(first);
    same.shuffle(second);
    CHECK(first == second);
    CHECK(first != std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8});
    std::ranges::sort(first);
    CHECK(first == std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8});
  }

  TEST_CASE("seeds of neighbouring numbers are all different") {
    std::set<uint64_t> seeds;
    for (uint64_t seed = 0; seed < 100; ++seed)
      for (uint64_t index = 0; index < 100; ++index) seeds.insert(seed_of(seed, index));
    CHECK(seeds.size() == 10'000);
  }
}
