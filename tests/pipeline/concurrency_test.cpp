#include "pipeline/concurrency.h"

#include <doctest/doctest.h>

using namespace pipeline;

TEST_SUITE("pipeline/concurrency") {
  void fill(ConcurrencyLimit & limit) {
    while (limit.has_room()) limit.started();
  }

  TEST_CASE("it starts where it is told and grows by one a call until the first overload") {
    ConcurrencyLimit limit({.least = 1, .start = 4, .most = 6});
    CHECK(limit.limit() == 4);
    fill(limit);
    CHECK(limit.in_flight() == 4);
    CHECK_FALSE(limit.has_room());

    limit.taken();
    CHECK(limit.limit() == 5);
    limit.taken();
    limit.taken();
    CHECK(limit.limit() == 6);  // `most`
  }

  TEST_CASE("calls that were sent before the last halving do not halve it again") {
    ConcurrencyLimit limit({.least = 1, .start = 32, .most = 64});

    limit.overloaded(100, 150);
    CHECK(limit.limit() == 16);
    limit.overloaded(101, 151);  // sent before 150: the same overload
    limit.overloaded(150, 160);
    CHECK(limit.limit() == 16);
    limit.overloaded(151, 170);
    CHECK(limit.limit() == 8);
  }

  TEST_CASE("after an overload it takes a round of successes to grow by one") {
    ConcurrencyLimit limit({.least = 1, .start = 8, .most = 64});
    limit.overloaded(0, 1);
    CHECK(limit.limit() == 4);
    fill(limit);

    for (int i = 0; i < 4; ++i) limit.taken();
    CHECK(limit.limit() == 4);
    limit.taken();
    CHECK(limit.limit() == 5);
  }

  TEST_CASE("it never falls below `least`") {
    ConcurrencyLimit limit({.least = 2, .start = 8, .most = 8});
    for (int64_t t = 0; t < 20; ++t) limit.overloaded(t * 10 + 1, t * 10 + 5);
    CHECK(limit.limit() == 2);
  }

  TEST_CASE("a limit that is not used does not grow") {
    ConcurrencyLimit limit({.least = 1, .start = 8, .most = 64});
    limit.started();
    for (int i = 0; i < 100; ++i) limit.taken();
    CHECK(limit.limit() == 8);
  }

  TEST_CASE("an endpoint with room for 50 is found and kept near") {
    ConcurrencyLimit limit({.least = 1, .start = 32, .most = 256});
    int64_t refused = 0, sent = 0;
    for (int64_t round = 1; round <= 400; ++round) {
      const int64_t now = limit.limit();
      for (int64_t i = 0; i < now; ++i) limit.started();
      sent += now;
      for (int64_t i = 0; i < now; ++i) {
        if (i < 50)
          limit.taken();
        else
          ++refused, limit.overloaded(round * 1000, round * 1000 + 100);
      }
      for (int64_t i = 0; i < now; ++i) limit.ended();
      CHECK(limit.in_flight() == 0);
    }
    CHECK(limit.limit() >= 25);
    CHECK(limit.limit() <= 51);
    CHECK(refused * 100 < sent * 2);
  }
}
