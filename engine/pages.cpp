#include "engine/pages.h"

#include <sys/mman.h>

#include <cassert>
#include <new>
#include <vector>

namespace engine {

namespace {

unsigned char* reserve(std::size_t bytes) {
  void* begin = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (begin == MAP_FAILED) throw std::bad_alloc();
  // Sparse attention reads rows all over the cache: large pages spare it most address look-ups.
  // The kernel may decline.
  madvise(begin, bytes, MADV_HUGEPAGE);
  return static_cast<unsigned char*>(begin);
}

}  // namespace

class PagePool::Impl {
 public:
  Impl(int64_t page_bytes, int32_t pages_max, Memory& memory)
      : memory_(memory), page_bytes_(page_bytes), holders_(std::size_t(pages_max)) {
    free_.reserve(holders_.size());
    for (Page page = pages_max; page > 0; --page) free_.push_back(page - 1);

    int64_t bytes = 0;
    if (__builtin_mul_overflow(page_bytes, int64_t(pages_max), &bytes) || bytes <= 0)
      throw std::bad_alloc();
    bytes_ = std::size_t(bytes);
    begin_ = reserved() ? reserve(bytes_) : static_cast<unsigned char*>(memory.take(bytes));
  }
  ~Impl() {
    if (reserved())
      munmap(begin_, bytes_);
    else
      memory_.give(begin_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool reserved() const { return memory_.reach() == Memory::Reach::Processor; }

  Memory& memory_;
  int64_t page_bytes_;
  unsigned char* begin_ = nullptr;
  std::size_t bytes_ = 0;
  std::vector<int32_t> holders_;
  // The last one freed is taken first, so that no more memory is touched than was ever in use.
  std::vector<Page> free_;
};

PagePool::PagePool(int64_t page_bytes, int32_t pages_max, Memory& memory)
    : impl_(std::make_unique<Impl>(page_bytes, pages_max, memory)) {}
PagePool::~PagePool() = default;

PagePool::Page PagePool::take() {
  if (impl_->free_.empty()) return kNone;
  const Page page = impl_->free_.back();
  impl_->free_.pop_back();
  impl_->holders_[std::size_t(page)] = 1;
  return page;
}

void PagePool::hold(Page page) {
  assert(holders(page) > 0);
  ++impl_->holders_[std::size_t(page)];
}

void PagePool::release(Page page) {
  assert(holders(page) > 0);
  if (--impl_->holders_[std::size_t(page)] == 0) impl_->free_.push_back(page);
}

int32_t PagePool::holders(Page page) const { return impl_->holders_[std::size_t(page)]; }

unsigned char* PagePool::data(Page page) const { return impl_->begin_ + page * impl_->page_bytes_; }

void PagePool::copy(Page from, Page to) {
  impl_->memory_.copy(data(to), data(from), impl_->page_bytes_);
}

int32_t PagePool::free_pages() const { return int32_t(impl_->free_.size()); }
int32_t PagePool::pages_max() const { return int32_t(impl_->holders_.size()); }

}  // namespace engine
