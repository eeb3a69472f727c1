#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

class Kernels;

// NVIDIA cards, seen without CUDA's headers. A build without CUDA has these functions too
// (kernels/cuda/absent.cpp): it finds no card and says why.

// A card failed during work. What was computed on it is gone, and so is every pointer into it.
class DeviceLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// This build, driver or card cannot run the kernels.
class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct CudaDevice {
  // The least compute capability that the kernels are compiled for: 9.0, Hopper.
  static constexpr int kMajorLeast = 9;

  std::string name = {};
  int major = 0, minor = 0;  // of the compute capability
  int64_t bytes = 0;
  int64_t bytes_free = 0;                       // 0 if the card would not say
  int driver_version = 0, runtime_version = 0;  // 13000 is 13.0

  bool supported() const { return major >= kMajorLeast; }
};

// The cards of this machine, in the order of their numbers; supported or not. If there are none,
// `why_none` (may be null) gets a sentence.
std::vector<CudaDevice> cuda_devices(std::string* why_none);

// The kernels on one card, by its number. Throws Unsupported. Not for two threads at once.
std::unique_ptr<Kernels> cuda_kernels(int device);
