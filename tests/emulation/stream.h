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
  void copy(void* to, const void* from, int64_t bytes);
  bool replay(uint64_t key);
  void begin_recording(uint64_t key);
  void end_recording();

 private:
  void run_or_record(std::function<void()> work);

  DeviceMemory memory_;
  Order order_;
  Block block_;
  std::map<uint64_t, std::vector<std::function<void()>>> recorded_;
  std::unique_ptr<std::vector<std::function<void()>>> recording_;
  uint64_t key_ = 0;
};

}  // namespace emulation
