#pragma once

#include <driver_types.h>

#include "kernels/cuda/shape.h"

// The runtime's answers as exceptions: OutOfMemory (kernels/memory.h), DeviceLost and Unsupported
// (kernels/cuda/device.h), else std::runtime_error.
namespace cuda {

// Throws unless the call succeeded. `attempt`: what was attempted, "starting a kernel".
void check(cudaError_t answer, const char* attempt);

// Throws std::logic_error if no card could run this.
void check_shape(const Shape& shape);

}  // namespace cuda
