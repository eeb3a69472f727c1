#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "kernels/kernels.h"

namespace engine {

enum class DeviceChoice {
  Auto,  // a card if there is one that can be used, else the processor
  Cpu,
  Cuda,
};

// The device that was asked for is not there, or cannot be used: why.
class NoDevice : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What a model runs on.
struct Device {
  std::unique_ptr<Kernels> kernels;
  std::string words;       // a line for a person: what it is, and why this one
  std::string identity;    // of its arithmetic: "instructions=avx2", "device=cuda sm_90 NAME"
  int64_t free_bytes = 0;  // of its memory; 0: not known
};

// `threads`: of the processor; 0: as many as the process may use. Throws NoDevice.
Device open_device(DeviceChoice choice, int threads);

// Bytes of memory that programs may still take, from /proc/meminfo and the control group's limit;
// 0: not known.
int64_t free_memory();

}  // namespace engine
