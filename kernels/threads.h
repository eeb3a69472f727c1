#pragma once

#include <cstdint>
#include <functional>
#include <memory>

// A fixed set of threads that share loops. What a task computes must not depend on which thread
// runs it or on how many there are: that keeps results equal to the bit.
class Threads {
 public:
  static constexpr int kMost = 256;

  // The caller is one of them: Threads(1) starts none. REQUIRES: 1 <= count <= kMost.
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const;

  // Runs body(task) for 0 <= task < tasks and returns when all are done. Tasks are handed out in
  // ascending order, so that neighbours share caches. Not reentrant; `body` does not throw.
  void run(int64_t tasks, const std::function<void(int64_t task)>& body);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// How many threads this process may use (its affinity mask).
int usable_cores();
