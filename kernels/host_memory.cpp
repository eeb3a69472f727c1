#include <cstring>
#include <new>
#include <string>

#include "kernels/memory.h"

namespace {

constexpr std::align_val_t kAligned{std::size_t(Memory::kAlignment)};

// What no processor can address: not asked for, since AddressSanitizer ends programs that do.
constexpr int64_t kBytesMost = int64_t(1) << 47;

}  // namespace

void* HostMemory::take(int64_t bytes) {
  void* memory =
      bytes > kBytesMost ? nullptr : ::operator new(std::size_t(bytes), kAligned, std::nothrow);
  if (memory == nullptr)
    throw OutOfMemory("the system gave no " + std::to_string(bytes) + " bytes of memory");
  return memory;
}

void HostMemory::give(void* memory) noexcept { ::operator delete(memory, kAligned); }

// No bytes may come from nowhere: an empty view has no address.
void HostMemory::write(void* to, const void* from, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, std::size_t(bytes));
}
void HostMemory::read(void* to, const void* from, int64_t bytes) { write(to, from, bytes); }
void HostMemory::copy(void* to, const void* from, int64_t bytes) { write(to, from, bytes); }
