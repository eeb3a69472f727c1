#include "pipeline/breaker.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace pipeline;

TEST_SUITE("pipeline/breaker") {
  using State = Breaker::State;
  using Call = Breaker::Call;
  const BreakerRules kRules{.failures_max = 3, .open_ms = 100, .open_ms_max = 300};

  Breaker opened_at(int64_t now_ms) {
    Breaker breaker(kRules);
    for (int i = 0; i < 3; ++i) breaker.failed(Call::Ordinary, now_ms);
    return breaker;
  }

  TEST_CASE("it opens after the given number of failures in a row") {
    Breaker breaker(kRules);
    breaker.failed(Call::Ordinary, 0);
    breaker.failed(Call::Ordinary, 1);
    CHECK(breaker.admits(1));
    breaker.failed(Call::Ordinary, 2);
    CHECK_FALSE(breaker.admits(2));
    CHECK(breaker.state(2) == State::Open);
    CHECK(breaker.open_since_ms() == 2);
    CHECK(breaker.probe_at_ms() == 102);
  }

  TEST_CASE("a token on any call in between keeps it closed") {
    Breaker breaker(kRules);
    for (int i = 0; i < 100; ++i) {
      breaker.failed(Call::Ordinary, i);
      breaker.failed(Call::Ordinary, i);
      breaker.progressed();
    }
    CHECK(breaker.state(100) == State::Closed);
  }

  TEST_CASE("when it is half open, one call goes out at a time") {
    Breaker breaker = opened_at(0);
    CHECK_FALSE(breaker.admits(99));
    CHECK(breaker.admits(100));
    CHECK(breaker.state(100) == State::HalfOpen);
    CHECK(breaker.started(100));
    CHECK_FALSE(breaker.admits(101));
    breaker.ended(Call::Probe);  // cancelled: nothing was learnt
    CHECK(breaker.admits(102));
  }

  TEST_CASE("each failed probe doubles the wait up to its limit, and the outage counts on") {
    Breaker breaker = opened_at(0);
    int64_t now = 0;
    for (const int64_t wait : {100, 200, 300, 300}) {
      CHECK(breaker.probe_at_ms() == now + wait);
      now = breaker.probe_at_ms();
      CHECK(breaker.started(now));
      breaker.failed(Call::Probe, now);
    }
    CHECK(breaker.open_since_ms() == 0);
  }

  TEST_CASE("failures of calls sent before it opened do not prolong it") {
    Breaker breaker = opened_at(0);
    breaker.failed(Call::Ordinary, 50);
    CHECK(breaker.probe_at_ms() == 100);
  }

  TEST_CASE("progress closes it and forgets everything") {
    Breaker breaker = opened_at(0);
    CHECK(breaker.started(100));
    breaker.progressed();
    CHECK(breaker.state(100) == State::Closed);
    CHECK_FALSE(breaker.started(100));
    breaker.failed(Call::Ordinary, 101);
    breaker.failed(Call::Ordinary, 101);
    CHECK(breaker.admits(101));
    breaker.failed(Call::Ordinary, 101);
    CHECK(breaker.probe_at_ms() == 201);  // the short wait again
  }
}
