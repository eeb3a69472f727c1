#include "tests/emulation/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace emulation {

namespace {

constexpr int64_t kPageBytes = 4096;
constexpr unsigned char kPoison = 0xFF;  // NaN

void forbid([[maybe_unused]] void* memory, [[maybe_unused]] int64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(memory, std::size_t(bytes));
#endif
}
void permit([[maybe_unused]] void* memory, [[maybe_unused]] int64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(memory, std::size_t(bytes));
#endif
}

int64_t rounded_up(int64_t bytes, int64_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

DeviceMemory::DeviceMemory(int64_t bytes) : bytes_(rounded_up(bytes, kPageBytes)) {
  void* memory = mmap(nullptr, std::size_t(bytes_), PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw OutOfMemory("no addresses for an emulated device");
  base_ = static_cast<unsigned char*>(memory);
  forbid(base_, bytes_);
}

DeviceMemory::~DeviceMemory() {
  permit(base_, bytes_);
  munmap(base_, std::size_t(bytes_));
}

int64_t DeviceMemory::reached() const {
  return pieces_.empty() ? 0 : pieces_.rbegin()->first + pieces_.rbegin()->second.whole;
}

// Its time grows with the pages that are in use.
void DeviceMemory::allow(int protection) const {
  const int64_t pages = rounded_up(reached(), kPageBytes);
  if (pages > 0 && mprotect(base_, std::size_t(pages), protection) != 0) std::abort();
}

DeviceMemory::Open::Open(DeviceMemory& memory) : memory_(memory) {
  if (memory_.open_++ == 0) memory_.allow(PROT_READ | PROT_WRITE);
}
DeviceMemory::Open::~Open() {
  if (--memory_.open_ == 0) memory_.allow(PROT_NONE);
}

// The first gap that is large enough.
void* DeviceMemory::take(int64_t bytes) {
  const int64_t whole = rounded_up(std::max<int64_t>(bytes, 1), kAlignment);
  int64_t place = 0;
  for (const auto& [begin, piece] : pieces_) {
    if (begin - place >= whole) break;
    place = begin + piece.whole;
  }
  if (whole > bytes_ - place)
    throw OutOfMemory("the emulated device gave no " + std::to_string(bytes) +
                      " bytes: " + std::to_string(bytes_ - taken_) + " of " +
                      std::to_string(bytes_) + " are free");
  pieces_[place] = {bytes, whole};
  taken_ += whole;
  const Open open(*this);
  permit(base_ + place, bytes);
  std::memset(base_ + place, kPoison, std::size_t(bytes));
  return base_ + place;
}

void DeviceMemory::give(void* memory) noexcept {
  if (memory == nullptr) return;
  const auto piece = pieces_.find(static_cast<unsigned char*>(memory) - base_);
  if (piece == pieces_.end()) std::abort();  // given twice, or never taken
  forbid(memory, piece->second.whole);
  taken_ -= piece->second.whole;
  pieces_.erase(piece);
}

void DeviceMemory::write(void* to, const void* from, int64_t bytes) {
  const Open open(*this);
  if (bytes > 0) std::memcpy(to, from, std::size_t(bytes));
}
void DeviceMemory::read(void* to, const void* from, int64_t bytes) { write(to, from, bytes); }
void DeviceMemory::copy(void* to, const void* from, int64_t bytes) {
  const Open open(*this);
  if (bytes > 0) std::memmove(to, from, std::size_t(bytes));
}

}  // namespace emulation
