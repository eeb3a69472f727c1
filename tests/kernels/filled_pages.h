#pragma once

#include <cstring>
#include <vector>

#include "kernels/instructions.h"
#include "kernels/pages.h"

// Pages as kernels see them, written here number by number from what kernels/pages.h says; records
// by their twin, which tests/kernels/records_test.cpp holds against that text.
namespace kernel_test {

// Every level that this processor can run.
inline std::vector<Instructions> levels() {
  std::vector<Instructions> all = {Instructions::Plain};
  if (best_instructions() >= Instructions::Avx2) all.push_back(Instructions::Avx2);
  if (best_instructions() >= Instructions::Avx512) all.push_back(Instructions::Avx512);
  return all;
}

enum class Layout { LatentRows, IndexKeys };

// One sequence's pages, each in memory of its own. What no token has written, and what stands
// before the layer's rows, is NaN.
class FilledPages {
 public:
  // numbers: [tokens, format.width]
  FilledPages(Layout layout, PageFormat format, const std::vector<float>& numbers,
              int64_t offset = 0)
      : format_(format), offset_(offset) {
    const int64_t tokens = int64_t(numbers.size()) / format.width;
    for (int64_t s = 0; s < tokens; ++s) {
      if (s % kPageTokens == 0)
        memory_.emplace_back(std::size_t(offset + format.bytes()),
                             static_cast<unsigned char>(0xFF));
      if (format.type == Number::FP8) {
        store_record(numbers.data() + s * format.width, int32_t(s % kPageTokens));
        continue;
      }
      for (int64_t d = 0; d < format.width; ++d) {
        const int64_t slot = s % kPageTokens;
        const int64_t place = layout == Layout::LatentRows
                                  ? slot * format.width + d
                                  : (d / 2 * kPageTokens + slot) * 2 + d % 2;
        write(memory_.back(), place, numbers[std::size_t(s * format.width + d)]);
      }
    }
    for (const std::vector<unsigned char>& page : memory_) pages_.push_back(page.data());
  }
  FilledPages(const FilledPages&) = delete;
  FilledPages& operator=(const FilledPages&) = delete;

  SeenPages seen(int64_t visible) const { return {pages_.data(), int32_t(visible)}; }
  PageFormat format() const { return format_; }
  int64_t offset() const { return offset_; }

 private:
  void store_record(const float* numbers, const int32_t& slot) {
    unsigned char* const page = memory_.back().data();
    cpu::store_latent({.x = {numbers, {1, format_.width}},
                       .page = {&page, {1}},
                       .slot = {&slot, {1}},
                       .offset = offset_,
                       .format = format_});
  }
  void write(std::vector<unsigned char>& page, int64_t place, float number) const {
    unsigned char* to = page.data() + offset_ + place * bytes_of(format_.type);
    const Bfloat16 rounded = to_bfloat16(number);
    if (format_.type == Number::F32)
      std::memcpy(to, &number, sizeof number);
    else
      std::memcpy(to, &rounded, sizeof rounded);
  }

  PageFormat format_;
  int64_t offset_;
  std::vector<std::vector<unsigned char>> memory_;
  std::vector<const unsigned char*> pages_;
};

}  // namespace kernel_test
