#pragma once

#include <cstdint>

namespace pipeline {

struct BreakerRules {
  int64_t failures_max = 5;      // in a row, without any progress in between
  int64_t open_ms = 1'000;       // until the first probe; doubled after each that fails
  int64_t open_ms_max = 30'000;  // ... up to this
};

// Whether an endpoint is worth a call. Judged by tokens that real calls receive, since the health
// routes of vLLM and SGLang say 200 while the engine behind them is dead.
//
//   Closed    calls go out. `failures_max` failures with no token in between open it.
//   Open      no call goes out, for a while that doubles.
//   HalfOpen  that while is over: one call may go out as a probe.
//
// A token on any call closes it at once. Pure: time is an argument.
class Breaker {
 public:
  enum class State { Closed, Open, HalfOpen };

  explicit Breaker(BreakerRules rules) : rules_(rules) {}

  State state(int64_t now_ms) const;
  // Whether a call may be sent now; in HalfOpen only while no probe is under way.
  bool admits(int64_t now_ms) const;
  // Says that a call is sent; true if it is a probe.
  bool started(int64_t now_ms);

  // Tokens arrived on a call.
  void progressed();
  // A call failed by the endpoint's fault. `probe`: what started() said of it.
  enum class Call { Ordinary, Probe };
  void failed(Call call, int64_t now_ms);
  // A call ended in a way that says nothing: cancelled, or refused for what it asked.
  void ended(Call call);

  // When the next probe may go out. REQUIRES: not Closed.
  int64_t probe_at_ms() const { return open_until_ms_; }
  // Since when it has been open, probes that failed included. REQUIRES: not Closed.
  int64_t open_since_ms() const { return open_since_ms_; }

 private:
  BreakerRules rules_;
  bool open_ = false;
  bool probing_ = false;
  int64_t failures_ = 0;
  int64_t open_for_ms_ = 0;
  int64_t open_until_ms_ = 0;
  int64_t open_since_ms_ = 0;
};

}  // namespace pipeline
