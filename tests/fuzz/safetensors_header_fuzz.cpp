#include <cstdlib>

#include "model/checkpoint.h"

// The header of a file with 4096 bytes of tensors: refused, or its tensors cover them exactly.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  constexpr uint64_t kDataBytes = 4096;
  try {
    uint64_t covered = 0;
    for (const model::HeaderEntry& entry : model::parse_safetensors_header(
             {reinterpret_cast<const char*>(data), size}, 8 + size + kDataBytes, "f")) {
      int64_t bytes = model::bytes_of_type(entry.type);
      for (const int64_t extent : entry.shape) bytes *= extent;
      if (entry.begin != covered || entry.end != covered + uint64_t(bytes)) std::abort();
      covered = entry.end;
    }
    if (covered != kDataBytes) std::abort();
  } catch (const model::Refused&) {
  }
  return 0;
}
