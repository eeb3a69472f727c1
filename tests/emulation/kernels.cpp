#include "tests/emulation/kernels.h"

#include <stdexcept>

#include "kernels/cuda/machine.h"
#include "tests/emulation/stream.h"

namespace emulation {

namespace {

class EmulatedMachine final : public cuda::Machine, private Memory {
 public:
  EmulatedMachine(Order order, int64_t bytes) : stream_(order, bytes) {}

  Stream* stream() override { return &stream_; }
  Memory& memory() override { return *this; }
  void finish() override { not_recorded(); }
  bool replay(uint64_t key) override { return stream_.replay(key); }
  void begin_recording(uint64_t key) override { stream_.begin_recording(key); }
  void end_recording() override { stream_.end_recording(); }

 private:
  Reach reach() const override { return Reach::Device; }
  void* take(int64_t bytes) override { return stream_.memory().take(bytes); }
  void give(void* memory) noexcept override { stream_.memory().give(memory); }
  void write(void* to, const void* from, int64_t bytes) override {
    not_recorded();
    stream_.memory().write(to, from, bytes);
  }
  void read(void* to, const void* from, int64_t bytes) override {
    not_recorded();
    stream_.memory().read(to, from, bytes);
  }
  void copy(void* to, const void* from, int64_t bytes) override { stream_.copy(to, from, bytes); }
  void not_recorded() const {
    if (stream_.recording())
      throw std::logic_error("what passes to or from the processor is not recorded");
  }

  Stream stream_;
};

}  // namespace

std::unique_ptr<Kernels> kernels(Order order, int64_t bytes) {
  return cuda::kernels_on(std::make_unique<EmulatedMachine>(order, bytes));
}

}  // namespace emulation
