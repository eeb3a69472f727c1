#pragma once

#include <memory>

#include "kernels/cuda/calls.h"

#ifdef CUDA_EMULATION
namespace cuda {
inline namespace emulated {
#else
namespace cuda {
inline namespace compiled {
#endif

// What the kernels run on: a card through the runtime (runtime.cpp), or the tests' emulation.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Stream stream() = 0;  // where the next kernel starts
  virtual Memory& memory() = 0;
  virtual void finish() = 0;
  virtual bool replay(uint64_t key) = 0;
  virtual void begin_recording(uint64_t key) = 0;
  virtual void end_recording() = 0;
};

// The kernels of calls.h on a machine.
std::unique_ptr<Kernels> kernels_on(std::unique_ptr<Machine> machine);

}  // namespace emulated
}  // namespace cuda
