#include "pipeline/routing.h"

#include <doctest/doctest.h>

#include <map>
#include <vector>

using namespace pipeline;

TEST_SUITE("pipeline/routing") {
  using Candidates = std::vector<RouteCandidate>;

  TEST_CASE("equal affinity goes to the same endpoint, different ones spread over all") {
    const Candidates idle{{"a", 0, 64, true}, {"b", 0, 64, true}, {"c", 0, 64, true}};

    std::map<std::size_t, int> counts;
    for (int i = 0; i < 300; ++i) {
      const std::string affinity = "proof " + std::to_string(i);
      const auto first = choose_endpoint(affinity, idle);
      REQUIRE(first);
      CHECK(choose_endpoint(affinity, idle) == first);
      ++counts[*first];
    }

    for (std::size_t i = 0; i < 3; ++i) CHECK(counts[i] > 70);  // 100 expected
  }

  TEST_CASE("when an endpoint leaves, only its own calls move") {
    const Candidates all{{"a", 0, 64, true}, {"b", 0, 64, true}, {"c", 0, 64, true}};
    const Candidates without_b{{"a", 0, 64, true}, {"b", 0, 64, false}, {"c", 0, 64, true}};

    for (int i = 0; i < 100; ++i) {
      const std::string affinity = std::to_string(i);
      const auto before = choose_endpoint(affinity, all);
      const auto after = choose_endpoint(affinity, without_b);
      CAPTURE(i);
      if (before == std::size_t(1))
        CHECK(after != std::size_t(1));
      else
        CHECK(after == before);
    }
  }

  TEST_CASE("no endpoint gets more than 1.25 of its fair share by affinity alone") {
    Candidates three{{"a", 0, 100, true}, {"b", 0, 100, true}, {"c", 0, 100, true}};

    for (int i = 0; i < 60; ++i) ++three[*choose_endpoint("the same", three)].in_flight;

    // Fair: 20 each. 1.25 of it: 25, rounded up.
    for (const RouteCandidate& candidate : three) CHECK(candidate.in_flight <= 25);
    CHECK(three[0].in_flight + three[1].in_flight + three[2].in_flight == 60);
  }

  TEST_CASE("a full endpoint is passed over, and nothing is chosen when all are full") {
    CHECK(choose_endpoint("x", Candidates{{"a", 4, 4, true}, {"b", 0, 4, true}}) == std::size_t(1));
    CHECK(choose_endpoint("x", Candidates{{"a", 0, 4, true}, {"b", 4, 4, true}}) == std::size_t(0));
    CHECK_FALSE(choose_endpoint("x", Candidates{{"a", 4, 4, true}, {"b", 4, 4, true}}));
    CHECK_FALSE(choose_endpoint("x", Candidates{{"a", 0, 4, false}}));
    CHECK_FALSE(choose_endpoint("x", Candidates{}));
  }

  TEST_CASE("without an affinity the least loaded part of a limit wins") {
    const Candidates two{{"a", 2, 4, true}, {"b", 3, 10, true}};
    CHECK(choose_endpoint("", two) == std::size_t(1));
  }

  TEST_CASE("the hash is the same on every machine") {
    CHECK(fixed_hash("") == fixed_hash("", 0));
    CHECK(fixed_hash("a") != fixed_hash("b"));
    CHECK(fixed_hash("a", 1) != fixed_hash("a", 2));
    CHECK(fixed_hash("verify") == 0xa6955808f9edf770ull);
  }
}
