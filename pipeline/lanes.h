#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>

#include "pipeline/chat.h"
#include "pipeline/signal.h"

namespace pipeline {

// How many calls may be in flight, and whose turn it is. Each role has a lane of its own: the
// waiting role that holds the smallest part of its share goes next, so that verification never
// starves behind thousands of generations. Within a lane: first come, first served, which keeps
// the votes on one proof together. Used on one thread.
class Lanes {
 public:
  using Shares = std::array<double, kRoles>;
  static constexpr Shares kEqual{1, 2, 1};  // verification is most of the work

  Lanes(net::any_io_executor executor, int64_t in_flight_max, Shares shares = kEqual);

  // The right to make one call; given back when it goes out of scope.
  class Hold {
   public:
    Hold() = default;
    Hold(Lanes& lanes, Role role) : lanes_(&lanes), role_(role) {}
    Hold(Hold&& other) noexcept
        : lanes_(std::exchange(other.lanes_, nullptr)), role_(other.role_) {}
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { release(); }
    void release();

   private:
    Lanes* lanes_ = nullptr;
    Role role_ = Role::Generator;
  };
  // Throws operation_aborted if cancelled while it waits.
  net::awaitable<Hold> acquire(Role role);

  // From now on nobody gets a turn.
  void close() { closed_ = true; }

  int64_t in_flight() const { return in_flight_; }
  int64_t in_flight(Role role) const { return held_[std::size_t(role)]; }
  std::size_t waiting() const;

 private:
  struct Waiter {
    explicit Waiter(const net::any_io_executor& executor) : signal(executor) {}
    Signal signal;
    bool granted = false;
    bool gone = false;
  };

  void give_turns();

  net::any_io_executor executor_;
  int64_t in_flight_max_;
  Shares shares_;
  int64_t in_flight_ = 0;
  std::array<int64_t, kRoles> held_{};
  std::array<std::deque<std::shared_ptr<Waiter>>, kRoles> waiting_;  // shared with its coroutine
  bool closed_ = false;
};

}  // namespace pipeline
