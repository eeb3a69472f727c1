#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "pipeline/breaker.h"
#include "pipeline/concurrency.h"
#include "pipeline/remote_config.h"
#include "pipeline/retry.h"
#include "pipeline/routing.h"

namespace pipeline {

// Whose turn it is, and where. Calls wait in one line per route and turn, and are woken, never
// polled, when an endpoint of their route has room: retries first, since they are old, and within
// a turn first come, first served. What may be sent where follows
// from the pure parts: routing, concurrency, breaker, retry budget. Used on one thread.
class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  struct Place {
    std::string name;
    ConcurrencyLimit::Range concurrency;
  };
  // `routes`: for each role the places, by index, that answer for it; none is empty.
  Dispatcher(net::any_io_executor executor, DispatchRules rules, std::vector<Place> places,
             std::vector<std::vector<std::size_t>> routes);

  // The right to send one call to one place. Given back when it goes out of scope, which says
  // nothing about the place: that is right for a call that was cancelled or refused for its text.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept;
    Permit& operator=(Permit&& other) noexcept;
    ~Permit();

    std::size_t place() const { return place_; }
    bool is_probe() const { return call_ == Breaker::Call::Probe; }

    void progressed();  // tokens have come
    void answered();    // gives it back
    void failed(const Disposition& disposition, std::string message);
    // This place will answer nothing of this route: key refused, model unknown, quota spent.
    void refused(const std::string& message);

   private:
    friend class Dispatcher;
    std::shared_ptr<Dispatcher> dispatcher_;  // calls may outlive their model: see remote_chat.cpp
    std::size_t route_ = 0;
    std::size_t place_ = 0;
    int64_t sent_ms_ = 0;
    Breaker::Call call_ = Breaker::Call::Ordinary;
    bool has_spent_ = false;  // a token of the retry budget
    bool taken_ = false;
  };

  enum class Turn { First, Retry };
  struct Wish {
    std::size_t route = 0;
    std::string affinity{};
    Turn turn = Turn::First;
    uint64_t ticket = 0;                 // from next_ticket(): of one turn the smaller goes first
    std::optional<std::size_t> avoid{};  // a place that just failed: only if there is no other
    net::steady_timer::time_point until = net::steady_timer::time_point::max();
  };
  struct Denied {
    enum class Why { Halt, Deadline };
    Why why = Why::Halt;
    std::string message;  // for Halt: each place with its last failure
  };
  // Throws operation_aborted if cancelled while it waits.
  net::awaitable<std::variant<Permit, Denied>> acquire(Wish wish);

  uint64_t next_ticket() { return next_ticket_++; }
  std::size_t places_of(std::size_t route) const { return routes_[route].places.size(); }
  std::size_t waiting() const;

 private:
  struct PlaceState {
    std::string name;
    ConcurrencyLimit limit;
    Breaker breaker;
    RetryBudget budget;
    int64_t held_until_ms = 0;  // no call goes out before, as the server asked
    int64_t held_since_ms = 0;
    int64_t overloads = 0;  // in a row
    std::string last_failure;
  };
  struct Refusal {
    int64_t until_ms = 0;
    std::string message;
  };
  struct Waiter {
    Waiter(const net::any_io_executor& executor, Wish wished)
        : wish(std::move(wished)), timer(executor, wish.until) {}
    Wish wish;
    net::steady_timer timer;
    std::optional<Permit> permit;
    std::optional<std::string> halted;
  };
  using Line = std::map<uint64_t, Waiter*>;  // by ticket
  struct Route {
    std::vector<std::size_t> places;
    std::vector<Refusal> refusals;  // one for each place
    std::array<Line, 2> lines;      // by Turn
  };

  void pump();
  bool place_first(int64_t now_ms);
  bool place_oldest(Turn turn, int64_t now_ms);
  std::optional<std::size_t> place_for(const Route& route, const Wish& wish, int64_t now_ms);
  std::optional<std::size_t> choose(const Route& route, const Wish& wish, int64_t now_ms,
                                    std::optional<std::size_t> avoid);
  void grant(std::size_t route, std::size_t place, Waiter& waiter, int64_t now_ms);
  std::optional<std::string> why_down(const Route& route, int64_t now_ms) const;
  void halt_lines_of_dead_routes(int64_t now_ms);
  int64_t next_event_ms(int64_t now_ms) const;
  void set_timer(int64_t now_ms);
  void give_back(Permit& permit);
  void hold(PlaceState& place, const Disposition& disposition, int64_t sent_ms, int64_t now_ms);

  net::any_io_executor executor_;
  DispatchRules rules_;
  std::vector<PlaceState> places_;
  std::vector<Route> routes_;
  std::vector<RouteCandidate> candidates_;  // scratch of choose()
  net::steady_timer timer_;
  int64_t timer_set_for_ms_ = 0;
  uint64_t next_ticket_ = 1;
};

// Milliseconds of the clock that never jumps.
int64_t steady_ms();

}  // namespace pipeline
