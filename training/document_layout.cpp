#include "training/document_layout.h"

namespace training {
namespace {

int64_t rounded_up(int64_t n) {
  return (n + DocumentKeys::kRowNumbers - 1) / DocumentKeys::kRowNumbers *
         DocumentKeys::kRowNumbers;
}

}  // namespace

void DocumentLayout::set(std::span<const int32_t> first, int32_t index_top_k) {
  first_ = first;
  list_width_ = rounded_up(index_top_k);
  all_numbers_ = 0;
  const std::size_t tokens = std::size_t(first.back());
  position_.resize(tokens);
  visible_.resize(tokens);
  all_row_.resize(tokens);
  list_row_.resize(tokens);
  for (std::size_t d = 0; d + 1 < first.size(); ++d) {
    const int64_t stride = all_stride(int64_t(d));
    for (int32_t t = first[d]; t < first[d + 1]; ++t, all_numbers_ += stride) {
      const std::size_t i = std::size_t(t);
      position_[i] = t - first[d];
      visible_[i] = position_[i] + 1;
      all_row_[i] = all_numbers_;
      list_row_[i] = t * list_width_;
    }
  }
}

DocumentKeys DocumentLayout::all() const {
  return {.first = {first_.data(), {int64_t(first_.size())}},
          .selected = {},
          .found = {},
          .row = view(all_row_)};
}

int64_t DocumentLayout::all_stride(int64_t document) const {
  const std::size_t d = std::size_t(document);
  return rounded_up(first_[d + 1] - first_[d]);
}

DocumentKeys DocumentLayout::chosen(View<const int32_t, 2> selected,
                                    View<const int32_t, 1> found) const {
  return {.first = {first_.data(), {int64_t(first_.size())}},
          .selected = selected,
          .found = found,
          .row = view(list_row_)};
}

}  // namespace training
