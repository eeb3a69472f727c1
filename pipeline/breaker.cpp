#include "pipeline/breaker.h"

#include <algorithm>

namespace pipeline {

Breaker::State Breaker::state(int64_t now_ms) const {
  if (!open_) return State::Closed;
  return now_ms < open_until_ms_ ? State::Open : State::HalfOpen;
}

bool Breaker::admits(int64_t now_ms) const {
  const State now = state(now_ms);
  return now == State::Closed || (now == State::HalfOpen && !probing_);
}

bool Breaker::started(int64_t now_ms) {
  if (state(now_ms) == State::Closed) return false;
  probing_ = true;
  return true;
}

void Breaker::progressed() {
  open_ = false;
  probing_ = false;
  failures_ = 0;
  open_for_ms_ = 0;
}

void Breaker::failed(Call call, int64_t now_ms) {
  ++failures_;
  if (!open_) {
    if (failures_ < rules_.failures_max) return;
    open_ = true;
    open_since_ms_ = now_ms;
    open_for_ms_ = rules_.open_ms;
  } else if (call == Call::Probe) {
    probing_ = false;
    open_for_ms_ = std::min(2 * open_for_ms_, rules_.open_ms_max);
  } else {
    return;  // sent before it opened: nothing new
  }
  open_until_ms_ = now_ms + open_for_ms_;
}

void Breaker::ended(Call call) {
  if (call == Call::Probe) probing_ = false;
}

}  // namespace pipeline
