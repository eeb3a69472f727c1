#pragma once

#include <cstddef>
#include <cstdlib>

namespace {

// Memory that a thread keeps from one call to the next, aligned to cache lines. It only grows: what
// a kernel asks for is bounded by its shapes.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch() { std::free(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // At least `count` numbers, whatever they hold. Ends what an earlier call returned.
  template <class T>
  T* numbers(std::size_t count) {
    const std::size_t asked = (count * sizeof(T) + kLine - 1) / kLine * kLine;
    if (asked > bytes_) {
      std::free(data_);
      data_ = std::aligned_alloc(kLine, asked);
      if (data_ == nullptr) std::abort();  // a worker thread has nobody to tell
      bytes_ = asked;
    }
    return static_cast<T*>(data_);
  }

 private:
  static constexpr std::size_t kLine = 64;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace
