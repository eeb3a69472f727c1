#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/documents.h"

namespace training {

// Where the documents of a batch lie, for all layers: positions, and the rows of numbers that
// belong to tokens and keys (kernels/documents.h).
class DocumentLayout {
 public:
  // `first` as Batch's: it is read until the next call. Allocates only if the batch is the largest
  // so far.
  void set(std::span<const int32_t> first, int32_t index_top_k);

  std::span<const int32_t> documents() const { return first_; }
  int64_t tokens() const { return int64_t(position_.size()); }
  View<const int32_t, 1> position() const { return view(position_); }
  View<const int32_t, 1> visible() const { return view(visible_); }  // position + 1

  // All keys that a token sees.
  DocumentKeys all() const;
  int64_t all_numbers() const { return all_numbers_; }
  int64_t all_stride(int64_t document) const;  // numbers from one row of a document to the next

  // Those that were chosen: rows of list_width() numbers.
  DocumentKeys chosen(View<const int32_t, 2> selected, View<const int32_t, 1> found) const;
  int64_t list_width() const { return list_width_; }

 private:
  template <class N>
  static View<const N, 1> view(const std::vector<N>& numbers) {
    return {numbers.data(), {int64_t(numbers.size())}};
  }

  std::span<const int32_t> first_;
  std::vector<int32_t> position_, visible_;
  std::vector<int64_t> all_row_, list_row_;
  int64_t all_numbers_ = 0, list_width_ = 0;
};

}  // namespace training
