#pragma once

#include <cstdint>
#include <memory>

#include "kernels/pages.h"

namespace engine {

// Pages of memory with counts of who holds them. Not thread-safe: it belongs to the engine's
// thread.
class PagePool {
 public:
  using Page = int32_t;
  static constexpr Page kNone = -1;

  // Address space is reserved at once, memory is taken from the system as pages are first written.
  // Throws std::bad_alloc if there is no such space.
  PagePool(int64_t page_bytes, int32_t pages_max);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  Page take();           // held once by the caller; kNone: all are held
  void hold(Page page);  // once more
  void release(Page page);
  int32_t holders(Page page) const;
  unsigned char* data(Page page) const;
  void copy(Page from, Page to);

  int32_t free_pages() const;
  int32_t pages_max() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
