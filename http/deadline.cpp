#include "http/deadline.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>

#include "http/connection.h"

namespace http {

namespace {

using Clock = std::chrono::steady_clock;

// Longer times would overflow when added to the present.
constexpr Milliseconds kLimitMax = std::chrono::hours(24 * 365);

Clock::time_point after(Milliseconds limit) { return Clock::now() + std::min(limit, kLimitMax); }

std::string_view phase_name(Deadline::Phase phase) {
  switch (phase) {
    case Deadline::Phase::Connect:
      return "connect";
    case Deadline::Phase::First:
      return "first-progress";
    case Deadline::Phase::Send:  // its progress is that bytes are taken
    case Deadline::Phase::Between:
      return "between-progress";
  }
  return "";
}

}  // namespace

struct Deadline::State : std::enable_shared_from_this<State> {
  State(const net::any_io_executor& executor, Milliseconds total_limit)
      : timer(executor), total(total_limit), total_at(after(total_limit)), at(total_at) {}

  void arm() {
    Clock::time_point next = at;
    if (held) next = std::min(next, held_until);
    if (next >= armed_at || expired) return;
    armed_at = next;
    timer.expires_at(next);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      if (error) return;
      if (const auto state = weak.lock()) state->fire();
    });
  }

  void fire() {
    armed_at = Clock::time_point::max();
    const Clock::time_point now = Clock::now();
    if (held && now >= held_until) held.reset();
    if (now >= at) {
      expired = true;
      if (connection) connection->close();
    }
    arm();
  }

  net::steady_timer timer;
  Milliseconds total;
  Clock::time_point total_at;
  Phase phase = Phase::Connect;
  Milliseconds limit{0};
  Clock::time_point at;
  Clock::time_point armed_at = Clock::time_point::max();
  Clock::time_point held_until;
  std::shared_ptr<const void> held;
  Connection* connection = nullptr;
  bool expired = false;
};

Deadline::Deadline(const net::any_io_executor& executor, Milliseconds total)
    : state_(std::make_shared<State>(executor, total)) {}

Deadline::~Deadline() {
  state_->connection = nullptr;
  state_->timer.cancel();
}

void Deadline::guard(Connection* connection) { state_->connection = connection; }

void Deadline::begin(Phase phase, Milliseconds limit) {
  state_->phase = phase;
  state_->limit = limit;
  move_to(after(limit));
}

void Deadline::move_to(Clock::time_point at) {
  state_->at = std::min(at, state_->total_at);
  state_->expired = false;
  state_->arm();
}

void Deadline::hold(std::shared_ptr<const void> held, Milliseconds time) {
  state_->held = std::move(held);
  state_->held_until = after(time);
  state_->arm();
}

void Deadline::let_go() { state_->held.reset(); }
bool Deadline::expired() const { return state_->expired; }
Clock::time_point Deadline::at() const { return state_->at; }

std::string Deadline::name() const {
  const bool total = state_->at == state_->total_at;
  const std::string phase(total ? "total" : phase_name(state_->phase));
  return phase + " deadline of " + std::to_string((total ? state_->total : state_->limit).count()) +
         " ms";
}

}  // namespace http
