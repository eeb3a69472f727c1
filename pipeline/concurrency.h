#pragma once

#include <cstdint>

namespace pipeline {

// How many calls one endpoint gets at once: additive increase, multiplicative decrease. Nobody can
// know a server's capacity beforehand, and it changes with the length of the prompts.
//
// Until the first sign of overload the limit grows by one for each call that is taken, which
// doubles it about once per round trip; after it, by one per `limit` calls. An overload halves it,
// but only once for all the calls that were sent before the limit was last changed: they say the
// same thing. Pure: time is an argument.
class ConcurrencyLimit {
 public:
  // REQUIRES: 1 <= least <= start <= most.
  struct Range {
    int64_t least = 1;
    int64_t start = 32;
    int64_t most = 256;
  };
  explicit ConcurrencyLimit(Range range);

  int64_t limit() const { return int64_t(limit_); }
  int64_t in_flight() const { return in_flight_; }
  bool has_room() const { return in_flight_ < limit(); }

  void started() { ++in_flight_; }
  void ended() { --in_flight_; }

  // The endpoint has begun to answer a call: it had room for it.
  void taken();
  // The endpoint says that it has too much to do (429, 503, 529), about a call sent at `sent_ms`.
  void overloaded(int64_t sent_ms, int64_t now_ms);

 private:
  Range range_;
  double limit_;
  int64_t in_flight_ = 0;
  int64_t halved_at_ms_ = INT64_MIN;
  bool ever_overloaded_ = false;
};

}  // namespace pipeline
