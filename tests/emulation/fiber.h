#pragma once

#include <cstddef>

namespace emulation {

// A stack of its own that runs a function until that suspends itself; resumed after the function's
// end, it runs it again. All on one thread. A fiber whose function has not returned may be
// destroyed: nothing on its stack is.
class Fiber {
 public:
  // REQUIRES: `main` throws nothing.
  Fiber(void (*main)(void*), void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void resume();          // until `main` suspends or returns
  static void suspend();  // the fiber that runs; back to its resume()

 private:
  static constexpr std::size_t kStackBytes = 256 * 1024;

  void prepare();  // the first entry
  static void enter();
  void switch_in();
  void switch_out();

  void (*main_)(void*);
  void* argument_;
  unsigned char* stack_ = nullptr;  // its lowest byte
  void* own_ = nullptr;             // where the fiber left off
  void* caller_ = nullptr;          // where its resume() left off
  // What the sanitizers want to know.
  [[maybe_unused]] void* fake_stack_ = nullptr;
  [[maybe_unused]] const void* caller_stack_ = nullptr;
  [[maybe_unused]] std::size_t caller_bytes_ = 0;
  [[maybe_unused]] void* thread_fiber_ = nullptr;
  [[maybe_unused]] void* thread_caller_ = nullptr;
};

}  // namespace emulation
