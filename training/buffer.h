#pragma once

#include <algorithm>
#include <memory>

#include "kernels/view.h"

namespace training {

// Memory that layers keep from step to step: it grows to the largest step and is never cleared.
template <class T>
class Buffer {
 public:
  // Numbers of the asked shape. What they hold is what the last use left, or nothing in particular
  // if the memory had to grow; views from earlier calls are then no longer good.
  View<T, 1> vector(int64_t count) {
    grow(count);
    return {data_.get(), {count}};
  }
  View<T, 2> matrix(int64_t rows, int64_t cols) {
    grow(rows * cols);
    return {data_.get(), {rows, cols}};
  }

  const T* data() const { return data_.get(); }

 private:
  void grow(int64_t count) {
    if (count <= size_) return;
    data_ = std::make_unique_for_overwrite<T[]>(std::size_t(count));
    size_ = count;
  }

  std::unique_ptr<T[]> data_;
  int64_t size_ = 0;
};

}  // namespace training
