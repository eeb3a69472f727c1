#pragma once

#include <cstdint>
#include <stdexcept>

// Memory could not be had: how much was asked for, and how much there is.
class OutOfMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One device's memory. Calls are ordered with the kernels' work on that device: a copy sees what
// was computed before it, and what is computed after it sees the copy.
class Memory {
 public:
  virtual ~Memory() = default;

  enum class Reach { Processor, Device };  // who may follow a pointer into it
  virtual Reach reach() const = 0;

  static constexpr int64_t kAlignment = 256;     // at least, of what is taken
  virtual void* take(int64_t bytes) = 0;         // as it was left; throws OutOfMemory
  virtual void give(void* memory) noexcept = 0;  // may be null
  // From the processor's memory; `from` may be reused on return.
  virtual void write(void* to, const void* from, int64_t bytes) = 0;
  virtual void read(void* to, const void* from, int64_t bytes) = 0;  // to the processor's; waits
  virtual void copy(void* to, const void* from, int64_t bytes) = 0;  // within the device
};

// The processor's.
class HostMemory final : public Memory {
 public:
  Reach reach() const override { return Reach::Processor; }
  void* take(int64_t bytes) override;
  void give(void* memory) noexcept override;
  void write(void* to, const void* from, int64_t bytes) override;
  void read(void* to, const void* from, int64_t bytes) override;
  void copy(void* to, const void* from, int64_t bytes) override;
};
