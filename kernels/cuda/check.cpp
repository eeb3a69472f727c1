#include "kernels/cuda/check.h"

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

#include "kernels/cuda/device.h"
#include "kernels/memory.h"

void cuda::check(cudaError_t answer, const char* attempt) {
  if (answer == cudaSuccess) return;
  cudaGetLastError();  // else the next call would report it again
  const std::string why = std::string(attempt) +
                          " on the CUDA device: " + cudaGetErrorString(answer) + " (" +
                          cudaGetErrorName(answer) + ")";
  switch (answer) {
    case cudaErrorMemoryAllocation:
      throw OutOfMemory(why);
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorSystemDriverMismatch:
      throw Unsupported(why);
    // What remains true of every later call: the work on the card is lost.
    case cudaErrorIllegalAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorDevicesUnavailable:
    case cudaErrorDeviceUninitialized:
    case cudaErrorUnknown:
      throw DeviceLost(why);
    default:
      throw std::runtime_error(why);
  }
}

void cuda::check_shape(const Shape& shape) {
  constexpr int64_t blocks_most = (int64_t(1) << 31) - 1;
  if (shape.blocks < 0 || shape.blocks > blocks_most || shape.threads < 1 ||
      shape.threads > kThreadsMost || shape.shared_bytes > kSharedBytesMost)
    throw std::logic_error("no CUDA device runs " + std::to_string(shape.blocks) + " blocks of " +
                           std::to_string(shape.threads) + " threads with " +
                           std::to_string(shape.shared_bytes) + " shared bytes");
}
