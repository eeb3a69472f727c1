#include "pipeline/remote_dispatch.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <limits>

namespace pipeline {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

}  // namespace

int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Dispatcher::Dispatcher(net::any_io_executor executor, DispatchRules rules,
                       std::vector<Place> places, std::vector<std::vector<std::size_t>> routes)
    : executor_(executor), rules_(rules), timer_(executor) {
  for (Place& place : places)
    places_.push_back({.name = std::move(place.name),
                       .limit = ConcurrencyLimit(place.concurrency),
                       .breaker = Breaker(rules.breaker),
                       .budget = RetryBudget(rules.budget, steady_ms()),
                       .last_failure = "nothing was tried"});
  for (std::vector<std::size_t>& indices : routes) {
    Route route;
    route.refusals.resize(indices.size());
    route.places = std::move(indices);
    routes_.push_back(std::move(route));
  }
}

net::awaitable<std::variant<Dispatcher::Permit, Dispatcher::Denied>> Dispatcher::acquire(
    Wish wish) {
  const auto self = shared_from_this();
  Waiter waiter(executor_, std::move(wish));
  Line& line = routes_[waiter.wish.route].lines[std::size_t(waiter.wish.turn)];
  struct Leave {  // also when the coroutine is cancelled or destroyed
    Line& line;
    uint64_t ticket;
    ~Leave() { line.erase(ticket); }
  } leave{line, waiter.wish.ticket};
  line.emplace(waiter.wish.ticket, &waiter);
  pump();

  if (!waiter.permit && !waiter.halted) {
    const auto [error] = co_await waiter.timer.async_wait(net::as_tuple(net::use_awaitable));
    if (!waiter.permit && !waiter.halted) {
      if (error) throw boost::system::system_error(net::error::operation_aborted);
      co_return Denied{Denied::Why::Deadline, "no endpoint was free before the call's deadline"};
    }
  }
  if (waiter.permit) co_return std::move(*waiter.permit);
  co_return Denied{Denied::Why::Halt, *waiter.halted};
}

std::size_t Dispatcher::waiting() const {
  std::size_t count = 0;
  for (const Route& route : routes_)
    for (const Line& line : route.lines) count += line.size();
  return count;
}

// Runs after everything that could let a call go: a permit given back, tokens, a time reached.
void Dispatcher::pump() {
  const int64_t now_ms = steady_ms();
  while (place_first(now_ms)) {
  }
  halt_lines_of_dead_routes(now_ms);
  set_timer(now_ms);
}

// Sends the first of the calls at the heads of the lines that can go now.
bool Dispatcher::place_first(int64_t now_ms) {
  return place_oldest(Turn::Retry, now_ms) || place_oldest(Turn::First, now_ms);
}

bool Dispatcher::place_oldest(Turn turn, int64_t now_ms) {
  Waiter* oldest = nullptr;
  std::size_t oldest_route = 0, oldest_place = 0;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const Line& line = routes_[i].lines[std::size_t(turn)];
    if (line.empty()) continue;
    Waiter& head = *line.begin()->second;
    if (oldest && oldest->wish.ticket < head.wish.ticket) continue;
    const auto place = place_for(routes_[i], head.wish, now_ms);
    if (!place) continue;
    oldest = &head;
    oldest_route = i;
    oldest_place = *place;
  }
  if (!oldest) return false;
  grant(oldest_route, oldest_place, *oldest, now_ms);
  return true;
}

std::optional<std::size_t> Dispatcher::place_for(const Route& route, const Wish& wish,
                                                 int64_t now_ms) {
  if (wish.avoid)
    if (const auto other = choose(route, wish, now_ms, wish.avoid)) return other;
  return choose(route, wish, now_ms, std::nullopt);
}

std::optional<std::size_t> Dispatcher::choose(const Route& route, const Wish& wish, int64_t now_ms,
                                              std::optional<std::size_t> avoid) {
  candidates_.clear();
  for (std::size_t i = 0; i < route.places.size(); ++i) {
    const PlaceState& place = places_[route.places[i]];
    const bool is_probe = place.breaker.state(now_ms) == Breaker::State::HalfOpen;
    const bool affordable = wish.turn == Turn::First || is_probe || place.budget.has_token(now_ms);
    const bool usable = route.places[i] != avoid && route.refusals[i].until_ms <= now_ms &&
                        place.breaker.admits(now_ms) && place.held_until_ms <= now_ms && affordable;
    candidates_.push_back({.name = place.name,
                           .in_flight = place.limit.in_flight(),
                           .limit = place.limit.limit(),
                           .usable = usable});
  }
  const auto chosen = choose_endpoint(wish.affinity, candidates_);
  if (!chosen) return std::nullopt;
  return route.places[*chosen];
}

void Dispatcher::grant(std::size_t route, std::size_t place_index, Waiter& waiter, int64_t now_ms) {
  PlaceState& place = places_[place_index];
  Permit permit;
  permit.dispatcher_ = shared_from_this();
  permit.route_ = route;
  permit.place_ = place_index;
  permit.sent_ms_ = now_ms;
  permit.call_ = place.breaker.started(now_ms) ? Breaker::Call::Probe : Breaker::Call::Ordinary;
  place.limit.started();
  permit.has_spent_ = waiter.wish.turn == Turn::Retry && !permit.is_probe();
  if (permit.has_spent_) place.budget.spend(now_ms);

  waiter.permit.emplace(std::move(permit));
  routes_[route].lines[std::size_t(waiter.wish.turn)].erase(waiter.wish.ticket);
  waiter.timer.cancel();
}

// Why nothing can be asked on a route any more; nothing if something can.
std::optional<std::string> Dispatcher::why_down(const Route& route, int64_t now_ms) const {
  std::string reasons;
  for (std::size_t i = 0; i < route.places.size(); ++i) {
    const PlaceState& place = places_[route.places[i]];
    const Refusal& refusal = route.refusals[i];
    const bool is_refused = now_ms < refusal.until_ms;
    const bool is_out = place.breaker.state(now_ms) != Breaker::State::Closed &&
                        now_ms - place.breaker.open_since_ms() >= rules_.outage_ms;
    if (!is_refused && !is_out) return std::nullopt;
    reasons += reasons.empty() ? "" : "; ";
    reasons += "endpoint '" + place.name + "': ";
    reasons += is_refused ? refusal.message : "no answer for too long, last: " + place.last_failure;
  }
  return reasons;
}

void Dispatcher::halt_lines_of_dead_routes(int64_t now_ms) {
  for (Route& route : routes_) {
    if (route.lines[0].empty() && route.lines[1].empty()) continue;
    const auto why = why_down(route, now_ms);
    if (!why) continue;
    for (Line& line : route.lines) {
      for (const auto& [ticket, waiter] : line) {
        waiter->halted = *why;
        waiter->timer.cancel();
      }
      line.clear();
    }
  }
}

// When time alone may change what can be sent.
int64_t Dispatcher::next_event_ms(int64_t now_ms) const {
  int64_t next = kNever;
  const auto consider = [&](int64_t at_ms) {
    if (at_ms > now_ms) next = std::min(next, at_ms);
  };
  for (const Route& route : routes_) {
    if (route.lines[0].empty() && route.lines[1].empty()) continue;
    for (std::size_t i = 0; i < route.places.size(); ++i) {
      const PlaceState& place = places_[route.places[i]];
      consider(place.held_until_ms);
      consider(route.refusals[i].until_ms);
      if (place.breaker.state(now_ms) != Breaker::State::Closed) {
        consider(place.breaker.probe_at_ms());
        consider(place.breaker.open_since_ms() + rules_.outage_ms);
      }
      if (!route.lines[std::size_t(Turn::Retry)].empty())
        consider(place.budget.token_at_ms(now_ms));
    }
  }
  return next;
}

void Dispatcher::set_timer(int64_t now_ms) {
  const int64_t next_ms = next_event_ms(now_ms);
  if (next_ms == timer_set_for_ms_) return;
  timer_set_for_ms_ = next_ms;
  timer_.cancel();
  if (next_ms == kNever) return;
  timer_.expires_after(std::chrono::milliseconds(next_ms - now_ms));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->timer_set_for_ms_ = 0;
    self->pump();
  });
}

void Dispatcher::give_back(Permit& permit) {
  places_[permit.place_].limit.ended();
  const auto self = std::exchange(permit.dispatcher_, nullptr);  // keeps `this` alive
  pump();
}

// A place that is overloaded gets no call for a while: as long as it asks for, at least a little.
void Dispatcher::hold(PlaceState& place, const Disposition& disposition, int64_t sent_ms,
                      int64_t now_ms) {
  const bool is_new = sent_ms >= place.held_since_ms;
  if (is_new || disposition.wait_ms) {
    if (is_new) ++place.overloads;
    place.held_since_ms = now_ms;
    const int64_t doublings = std::clamp<int64_t>(place.overloads - 1, 0, 20);
    const int64_t longest = std::min(rules_.hold_ms << doublings, rules_.hold_ms_max);
    // Spread, since other clients of the same server were refused at the same time.
    const int64_t own =
        longest / 2 + int64_t(fixed_hash(place.name, uint64_t(now_ms)) % uint64_t(longest / 2 + 1));
    place.held_until_ms = std::max(place.held_until_ms, now_ms + disposition.wait_ms.value_or(own));
  }
  place.limit.overloaded(sent_ms, now_ms);
}

Dispatcher::Permit::Permit(Permit&& other) noexcept
    : dispatcher_(std::exchange(other.dispatcher_, nullptr)),
      route_(other.route_),
      place_(other.place_),
      sent_ms_(other.sent_ms_),
      call_(other.call_),
      has_spent_(other.has_spent_),
      taken_(other.taken_) {}

Dispatcher::Permit& Dispatcher::Permit::operator=(Permit&& other) noexcept {
  std::swap(dispatcher_, other.dispatcher_);
  route_ = std::exchange(other.route_, route_);
  place_ = std::exchange(other.place_, place_);
  sent_ms_ = std::exchange(other.sent_ms_, sent_ms_);
  call_ = std::exchange(other.call_, call_);
  has_spent_ = std::exchange(other.has_spent_, has_spent_);
  taken_ = std::exchange(other.taken_, taken_);
  return *this;
}

Dispatcher::Permit::~Permit() {
  if (!dispatcher_) return;
  dispatcher_->places_[place_].breaker.ended(call_);
  dispatcher_->give_back(*this);
}

void Dispatcher::Permit::progressed() {
  PlaceState& place = dispatcher_->places_[place_];
  const bool was_closed = place.breaker.state(steady_ms()) == Breaker::State::Closed;
  place.breaker.progressed();
  place.overloads = 0;
  if (taken_ && was_closed) return;
  if (!std::exchange(taken_, true)) place.limit.taken();
  dispatcher_->pump();
}

void Dispatcher::Permit::answered() {
  progressed();
  RetryBudget& budget = dispatcher_->places_[place_].budget;
  has_spent_ ? budget.refund(steady_ms()) : budget.succeeded(steady_ms());
  dispatcher_->give_back(*this);
}

void Dispatcher::Permit::failed(const Disposition& disposition, std::string message) {
  const int64_t now_ms = steady_ms();
  PlaceState& place = dispatcher_->places_[place_];
  place.last_failure = std::move(message);
  if (disposition.overloaded) dispatcher_->hold(place, disposition, sent_ms_, now_ms);
  place.breaker.failed(call_, now_ms);
  dispatcher_->give_back(*this);
}

void Dispatcher::Permit::refused(const std::string& message) {
  PlaceState& place = dispatcher_->places_[place_];
  Route& route = dispatcher_->routes_[route_];
  for (std::size_t i = 0; i < route.places.size(); ++i)
    if (route.places[i] == place_)
      route.refusals[i] = {.until_ms = steady_ms() + dispatcher_->rules_.refusal_ms,
                           .message = message};
  place.breaker.ended(call_);
  dispatcher_->give_back(*this);
}

}  // namespace pipeline
