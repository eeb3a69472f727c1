#include "tests/emulation/block.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "tests/emulation/device.h"

namespace emulation {

thread_local constinit Here here;

namespace {
thread_local Block* running = nullptr;
constexpr unsigned char kPoison = 0xFF;  // NaN, and -1
}  // namespace

void wait_for_block() { running->wait_for_block(); }
const uint64_t* gather_warp(uint64_t value) { return running->gather_warp(value); }

void Block::run(int64_t block, const cuda::Shape& shape, Order order,
                const std::function<void()>& thread) {
  thread_ = &thread;
  count_ = shape.threads;
  at_barrier_ = ended_ = 0;
  thrown_ = nullptr;
  if (threads_.size() < std::size_t(count_)) threads_.resize(std::size_t(count_));
  for (int i = 0; i < count_; ++i) threads_[std::size_t(i)].state = State::Unstarted;
  warps_.assign(std::size_t(count_ / cuda::kWarp), {});
  shared_ = std::vector<unsigned char>(std::size_t(shape.shared_bytes), kPoison);
  here = {.thread = 0, .threads = count_, .block = block, .shared = shared_.data()};
  running = this;

  while (ended_ < count_ && thrown_ == nullptr) {
    bool resumed = false;
    for (int i = 0; i < count_ && thrown_ == nullptr; ++i) {
      const int next = order == Order::Ascending ? i : count_ - 1 - i;
      const State state = threads_[std::size_t(next)].state;
      if (state != State::Unstarted && state != State::Ready) continue;
      resume(next);
      resumed = true;
    }
    if (!resumed) thrown_ = std::make_exception_ptr(std::logic_error(impasse()));
  }
  running = nullptr;
  if (thrown_ == nullptr) return;
  threads_.clear();  // with the stacks of those that never ended
  std::rethrow_exception(thrown_);
}

void Block::resume(int i) {
  Thread& thread = threads_[std::size_t(i)];
  if (thread.fiber == nullptr) thread.fiber = std::make_unique<Fiber>(run_thread, this);
  if (thread.state == State::Unstarted) thread.exchanges = 0;
  thread.state = State::Ready;
  here.thread = i;
  thread.fiber->resume();
}

void Block::run_thread(void* self) {
  Block& block = *static_cast<Block*>(self);
  try {
    (*block.thread_)();
  } catch (...) {
    block.thrown_ = std::current_exception();
  }
  block.threads_[std::size_t(here.thread)].state = State::Ended;
  ++block.ended_;
}

void Block::release(int first, int count, State waiting) {
  for (int i = first; i < first + count; ++i)
    if (threads_[std::size_t(i)].state == waiting) threads_[std::size_t(i)].state = State::Ready;
}

void Block::wait_for_block() {
  if (++at_barrier_ == count_) {
    at_barrier_ = 0;
    release(0, count_, State::AtBarrier);
    return;
  }
  threads_[std::size_t(here.thread)].state = State::AtBarrier;
  Fiber::suspend();
}

const uint64_t* Block::gather_warp(uint64_t value) {
  const int lane = here.thread % cuda::kWarp;
  Thread& thread = threads_[std::size_t(here.thread)];
  Warp& warp = warps_[std::size_t(here.thread / cuda::kWarp)];
  uint64_t* values = warp.value[thread.exchanges++ % 2];
  values[lane] = value;
  if (++warp.arrived == cuda::kWarp) {
    warp.arrived = 0;
    release(here.thread - lane, cuda::kWarp, State::AtWarp);
  } else {
    thread.state = State::AtWarp;
    Fiber::suspend();
  }
  return values;
}

std::string Block::impasse() const {
  int at_warp = 0;
  for (int i = 0; i < count_; ++i) at_warp += threads_[std::size_t(i)].state == State::AtWarp;
  return "threads of a block wait for each other: " + std::to_string(at_barrier_) +
         " at a barrier, " + std::to_string(at_warp) + " for their warp, " +
         std::to_string(ended_) + " have ended";
}

}  // namespace emulation
