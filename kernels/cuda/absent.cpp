// What a build without CUDA says of cards.
#include "kernels/cuda/device.h"
#include "kernels/kernels.h"

namespace {
constexpr const char* kAbsent = "this build has no CUDA";
}

std::vector<CudaDevice> cuda_devices(std::string* why_none) {
  if (why_none != nullptr) *why_none = kAbsent;
  return {};
}

std::unique_ptr<Kernels> cuda_kernels(int /*device*/) { throw Unsupported(kAbsent); }
