#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tests/emulation/block.h"
#include "tests/emulation/memory.h"

namespace emulation {

// Runs launches at once, or records them. The device's memory can be reached only meanwhile.
class Stream {
 public:
  Stream(Order order, int64_t bytes) : memory_(bytes), order_(order) {}

  DeviceMemory& memory() { return memory_; }
  bool recording() const { return recording_ != nullptr; }

  void launch(const cuda::Shape& shape, std::function<void()> thread);
  bool replay(uint64_t key);
  void begin_recording(uint64_t key);
  void end_recording();

 private:
  struct Work {
    cuda::Shape shape;
    std::function<void()> thread;
  };
  void run(const Work& work);

  DeviceMemory memory_;
  Order order_;
  Block block_;
  std::map<uint64_t, std::vector<Work>> recorded_;
  std::unique_ptr<std::vector<Work>> recording_;
  uint64_t key_ = 0;
};

}  // namespace emulation
