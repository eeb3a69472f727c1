#include "pipeline/lanes.h"

#include <boost/asio/this_coro.hpp>
#include <limits>
#include <utility>

namespace pipeline {

Lanes::Lanes(net::any_io_executor executor, int64_t in_flight_max, Shares shares)
    : executor_(std::move(executor)), in_flight_max_(in_flight_max), shares_(shares) {}

Lanes::Hold& Lanes::Hold::operator=(Hold&& other) noexcept {
  if (this != &other) {
    release();
    lanes_ = std::exchange(other.lanes_, nullptr);
    role_ = other.role_;
  }
  return *this;
}

void Lanes::Hold::release() {
  if (lanes_ == nullptr) return;
  Lanes& lanes = *std::exchange(lanes_, nullptr);
  --lanes.in_flight_;
  --lanes.held_[std::size_t(role_)];
  lanes.give_turns();
}

std::size_t Lanes::waiting() const {
  std::size_t count = 0;
  for (const auto& lane : waiting_) count += lane.size();
  return count;
}

net::awaitable<Lanes::Hold> Lanes::acquire(Role role) {
  const auto waiter = std::make_shared<Waiter>(executor_);
  waiting_[std::size_t(role)].push_back(waiter);
  give_turns();
  struct Leave {  // cancelled while waiting: ask for no turn, and give back one just granted
    Lanes& lanes;
    Role role;
    Waiter& waiter;
    bool taken = false;
    ~Leave() {
      if (taken) return;
      waiter.gone = true;
      if (waiter.granted) Hold(lanes, role).release();
    }
  } leave{*this, role, *waiter};
  while (!waiter->granted) co_await waiter->signal.wait();
  leave.taken = true;
  co_return Hold(*this, role);
}

void Lanes::give_turns() {
  while (!closed_ && in_flight_ < in_flight_max_) {
    int next = -1;
    double least = std::numeric_limits<double>::infinity();
    for (int role = 0; role < kRoles; ++role) {
      auto& lane = waiting_[std::size_t(role)];
      while (!lane.empty() && lane.front()->gone) lane.pop_front();
      const double part = double(held_[std::size_t(role)]) / shares_[std::size_t(role)];
      if (!lane.empty() && part < least) {
        next = role;
        least = part;
      }
    }
    if (next < 0) return;
    auto& lane = waiting_[std::size_t(next)];
    const std::shared_ptr<Waiter> waiter = std::move(lane.front());
    lane.pop_front();
    waiter->granted = true;
    ++in_flight_;
    ++held_[std::size_t(next)];
    waiter->signal.notify();
  }
}

}  // namespace pipeline
