#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "http/client.h"

namespace http {

class Connection;

// The deadlines of one exchange on one timer. When one passes, the guarded connection is closed,
// so that whatever waits on it ends; the exchange then asks `expired`. Winding a deadline up again
// costs a comparison, not a timer: the timer runs to the earlier time and finds the later one.
class Deadline {
 public:
  enum class Phase { Connect, Send, First, Between };

  Deadline(const net::any_io_executor& executor, Milliseconds total);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // The connection must outlive the guarding; null ends it.
  void guard(Connection* connection);
  // From now on `limit` counts, or the total deadline if that is earlier.
  void begin(Phase phase, Milliseconds limit);
  // Moves the end of the phase in progress; its name and figure stay.
  void move_to(std::chrono::steady_clock::time_point at);
  // Keeps `held` alive for `time` from now (max(): until told otherwise), then lets it go.
  void hold(std::shared_ptr<const void> held, Milliseconds time);
  void let_go();

  bool expired() const;
  std::chrono::steady_clock::time_point at() const;
  std::string name() const;  // "connect deadline of 100 ms"

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the timer's handler, which may run after our end
};

}  // namespace http
