#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/cuda/shape.h"
#include "tests/emulation/fiber.h"

namespace emulation {

// In which order threads that could run do, and blocks. Results must not depend on it.
enum class Order { Ascending, Descending };

// Runs the threads of one block, each on a fiber.
class Block {
 public:
  // Throws what a thread threw, or std::logic_error if threads wait for each other in vain.
  void run(int64_t block, const cuda::Shape& shape, Order order,
           const std::function<void()>& thread);

  // Called by the thread that runs.
  void wait_for_block();
  const uint64_t* gather_warp(uint64_t value);

 private:
  enum class State { Unstarted, Ready, AtBarrier, AtWarp, Ended };
  struct Thread {
    State state = State::Unstarted;
    std::unique_ptr<Fiber> fiber = {};
    unsigned exchanges = 0;  // how often it came to its warp
  };
  struct Warp {
    int arrived = 0;
    // Of the last two exchanges: a thread may come to the next one while others still read.
    uint64_t value[2][cuda::kWarp] = {};
  };

  static void run_thread(void* block);
  void resume(int thread);
  void release(int first, int count, State waiting);
  std::string impasse() const;

  const std::function<void()>* thread_ = nullptr;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::vector<unsigned char> shared_;
  int count_ = 0, at_barrier_ = 0, ended_ = 0;
  std::exception_ptr thrown_;
};

}  // namespace emulation
