#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace pipeline {

namespace net = boost::asio;

// Something to wait for that has no time of its own: waiters sleep until notify() wakes all of
// them. Used on one thread. A notification with nobody waiting is lost, so test the condition
// before each wait.
class Signal {
 public:
  explicit Signal(const net::any_io_executor& executor)
      : timer_(executor, net::steady_timer::time_point::max()) {}

  // Throws boost::system::system_error(operation_aborted) if the coroutine is cancelled.
  net::awaitable<void> wait();

  void notify() { timer_.cancel(); }

 private:
  net::steady_timer timer_;
};

// Waits until it is cancelled.
net::awaitable<void> wait_for_cancellation();

}  // namespace pipeline
