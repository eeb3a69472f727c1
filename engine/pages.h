#pragma once

#include <cstdint>
#include <memory>

#include "kernels/memory.h"
#include "kernels/pages.h"

namespace engine {

// Pages of a device's memory with counts of who holds them. Not thread-safe: it belongs to the
// engine's thread.
class PagePool {
 public:
  using Page = int32_t;
  static constexpr Page kNone = -1;

  // Of the processor's memory address space is reserved at once, and memory is taken from the
  // system as pages are first written; of a device's all is taken. `memory` outlives the pool.
  // Throws std::bad_alloc if there is no such space, OutOfMemory.
  PagePool(int64_t page_bytes, int32_t pages_max, Memory& memory);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  Page take();           // held once by the caller; kNone: all are held
  void hold(Page page);  // once more
  void release(Page page);
  int32_t holders(Page page) const;
  unsigned char* data(Page page) const;  // in that memory
  void copy(Page from, Page to);

  int32_t free_pages() const;
  int32_t pages_max() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
