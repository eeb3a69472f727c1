#pragma once

#include <memory>

#include "kernels/kernels.h"
#include "tests/emulation/block.h"

namespace emulation {

// Enough for every test; it is taken from the system only as it is used.
inline constexpr int64_t kDeviceBytes = int64_t(4) << 30;

// The CUDA kernels on an emulated device with this much memory, which the processor cannot reach.
// Calls that are recorded can be replayed.
std::unique_ptr<Kernels> kernels(Order order = Order::Ascending, int64_t bytes = kDeviceBytes);

}  // namespace emulation
