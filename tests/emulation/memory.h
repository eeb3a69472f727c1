#pragma once

#include <map>

#include "kernels/memory.h"

namespace emulation {

// A device's memory: a part of the address space that only kernels may touch. The processor's code
// faults if it follows a pointer into it. What is taken holds NaN, and under AddressSanitizer what
// stands between is forbidden to kernels too.
class DeviceMemory final : public Memory {
 public:
  explicit DeviceMemory(int64_t bytes);
  ~DeviceMemory() override;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  Reach reach() const override { return Reach::Device; }
  void* take(int64_t bytes) override;
  void give(void* memory) noexcept override;
  void write(void* to, const void* from, int64_t bytes) override;
  void read(void* to, const void* from, int64_t bytes) override;
  void copy(void* to, const void* from, int64_t bytes) override;

  // While it lives the memory can be touched.
  class Open {
   public:
    explicit Open(DeviceMemory& memory);
    ~Open();
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

   private:
    DeviceMemory& memory_;
  };

 private:
  struct Piece {
    int64_t bytes = 0;  // asked for
    int64_t whole = 0;  // a multiple of the alignment
  };
  int64_t reached() const;  // the end of the last piece
  void allow(int protection) const;

  unsigned char* base_ = nullptr;
  int64_t bytes_ = 0;
  int64_t taken_ = 0;
  int open_ = 0;
  std::map<int64_t, Piece> pieces_;  // by place
};

}  // namespace emulation
