#include "kernels/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <limits>
#include <thread>
#include <vector>

// One loop at a time. A loop is known by its number; `ticket_` holds that number and how many of
// its tasks nobody has taken yet, so that one compare-and-swap takes a task and at the same time
// shows that the loop is still the one whose body was read: a thread that wakes late takes nothing.
// Who waits first looks again for a few tens of microseconds, which is what lies between two loops
// of a layer, then sleeps in the kernel. Tested in tests/kernels/threads_test.cpp.

namespace {

constexpr int kLooksBeforeSleep = 2000;
constexpr int64_t kTasksMost = std::numeric_limits<uint32_t>::max();

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Returns once `value` differs from `old`.
uint32_t wait_while(const std::atomic<uint32_t>& value, uint32_t old) {
  for (int look = 0; look < kLooksBeforeSleep; ++look) {
    const uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

uint64_t ticket_of(uint32_t loop, uint32_t left) { return uint64_t(loop) << 32 | left; }

}  // namespace

class Threads::Impl {
 public:
  using Body = std::function<void(int64_t)>;

  explicit Impl(int count) : count_(count) { others_.reserve(std::size_t(count - 1)); }

  ~Impl() {
    stop_.store(true, std::memory_order_relaxed);
    loop_.fetch_add(1, std::memory_order_release);
    loop_.notify_all();
    for (std::thread& other : others_) other.join();
  }

  void start() {
    for (int i = 1; i < count_; ++i) others_.emplace_back([this] { serve(); });
  }

  int count() const { return count_; }

  // REQUIRES: 0 < tasks <= kTasksMost.
  void run(int64_t tasks, const Body& body) {
    const uint32_t loop = loop_.load(std::memory_order_relaxed) + 1;
    body_.store(&body, std::memory_order_relaxed);
    tasks_.store(uint32_t(tasks), std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    ticket_.store(ticket_of(loop, uint32_t(tasks)), std::memory_order_release);
    loop_.store(loop, std::memory_order_release);
    loop_.notify_all();

    work();
    uint32_t done = done_.load(std::memory_order_acquire);
    while (done != uint32_t(tasks)) done = wait_while(done_, done);
  }

 private:
  void serve() {
    uint32_t seen = 0;
    while (true) {
      seen = wait_while(loop_, seen);
      if (stop_.load(std::memory_order_relaxed)) return;
      work();
    }
  }

  // Takes tasks of the present loop until none is left.
  void work() {
    uint32_t finished = 0;
    uint64_t ticket = ticket_.load(std::memory_order_acquire);
    const uint32_t loop = uint32_t(ticket >> 32);
    while (uint32_t(ticket) != 0 && uint32_t(ticket >> 32) == loop) {
      // If the swap succeeds, the loop has not ended, and these two belong to it.
      const Body* body = body_.load(std::memory_order_relaxed);
      const uint32_t tasks = tasks_.load(std::memory_order_relaxed);
      if (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire))
        continue;
      (*body)(int64_t(tasks) - int64_t(uint32_t(ticket)));
      ++finished;
      ticket = ticket_.load(std::memory_order_acquire);
    }
    if (finished == 0) return;
    done_.fetch_add(finished, std::memory_order_release);
    done_.notify_one();
  }

  const int count_;
  std::atomic<bool> stop_ = false;
  std::atomic<const Body*> body_ = nullptr;
  std::atomic<uint32_t> tasks_ = 0;
  // What the threads write all the time stands on lines of its own.
  alignas(64) std::atomic<uint64_t> ticket_ = 0;
  alignas(64) std::atomic<uint32_t> done_ = 0;
  alignas(64) std::atomic<uint32_t> loop_ = 0;
  std::vector<std::thread> others_;
};

Threads::Threads(int count) {
  assert(1 <= count && count <= kMost);
  impl_ = std::make_unique<Impl>(count);
  impl_->start();  // if a thread cannot be had, ~Impl joins those that could
}

Threads::~Threads() = default;

int Threads::count() const { return impl_->count(); }

void Threads::run(int64_t tasks, const std::function<void(int64_t task)>& body) {
  assert(0 <= tasks && tasks <= kTasksMost);
  if (impl_->count() == 1 || tasks == 1) {
    for (int64_t task = 0; task < tasks; ++task) body(task);
  } else if (tasks > 0) {
    impl_->run(tasks, body);
  }
}

int usable_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  return std::max(1, std::min(CPU_COUNT(&mask), Threads::kMost));
}
