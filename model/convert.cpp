#include "model/convert.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <new>

#include "kernels/threads.h"

namespace model {
namespace {

constexpr int64_t kBlock = Matrix::kBlock;

int64_t blocks_of(int64_t cols) { return (cols + kBlock - 1) / kBlock; }

template <class T>
T load(const void* data, int64_t i) {
  T number;  // `data` lies in a file, at any address
  std::memcpy(&number, static_cast<const unsigned char*>(data) + i * int64_t(sizeof(T)), sizeof(T));
  return number;
}

// Row `r` of `from` as floats.
void read_row(const Matrix& from, int64_t r, std::vector<float>& row) {
  const int64_t begin = r * from.cols;
  for (int64_t c = 0; c < from.cols; ++c) switch (from.type) {
      case Number::F32:
        row[c] = load<float>(from.data, begin + c);
        break;
      case Number::BF16:
        row[c] = to_float(load<Bfloat16>(from.data, begin + c));
        break;
      case Number::FP8:
        row[c] = to_float(load<Float8>(from.data, begin + c)) *
                 from.scale((from.first_row + r) / from.scale_rows, c / kBlock);
        break;
      case Number::Int8:
        row[c] = float(load<int8_t>(from.data, begin + c)) *
                 from.scale((from.first_row + r) / from.scale_rows, c / kBlock);
        break;
    }
}

// False: a number is NaN or infinite.
bool write_int8(const std::vector<float>& row, int8_t* to, float* scale) {
  for (int64_t first = 0; first < int64_t(row.size()); first += kBlock) {
    const int64_t last = std::min<int64_t>(first + kBlock, int64_t(row.size()));
    float largest = 0;
    for (int64_t c = first; c < last; ++c) {
      if (!std::isfinite(row[c])) return false;
      largest = std::max(largest, std::abs(row[c]));
    }
    const float unit = largest / 127;  // 0 for a block of zeros, or of the tiniest numbers
    *scale++ = unit;
    for (int64_t c = first; c < last; ++c)
      to[c] = unit > 0 ? int8_t(std::clamp(std::nearbyint(row[c] / unit), -127.f, 127.f)) : 0;
  }
  return true;
}

// One matrix: where the copy stands, its numbers first for Int8's scales to be aligned behind.
struct Copy {
  Matrix from;
  Matrix to;
  unsigned char* numbers = nullptr;
  float* scales = nullptr;
};

Copy make_copy(const Matrix& from, Number type, std::vector<std::shared_ptr<const void>>& owners) {
  Copy copy{.from = from, .to = {.type = type, .rows = from.rows, .cols = from.cols}};
  const int64_t scales = type == Number::Int8 ? from.rows * blocks_of(from.cols) : 0;
  const auto memory = std::make_shared_for_overwrite<unsigned char[]>(
      std::size_t(converted_bytes(from.rows, from.cols, type)));
  owners.push_back(memory);
  copy.scales = reinterpret_cast<float*>(memory.get());
  copy.numbers = memory.get() + scales * int64_t(sizeof(float));
  copy.to.data = copy.numbers;
  if (type == Number::Int8) {
    copy.to.scale = {.data = copy.scales, .extent = {from.rows, blocks_of(from.cols)}};
    copy.to.scale_rows = 1;
  }
  return copy;
}

// False: a number cannot be Int8.
bool fill(const Copy& copy) {
  const int64_t cols = copy.from.cols;
  std::vector<float> row(std::size_t(cols), 0.f);
  for (int64_t r = 0; r < copy.from.rows; ++r) {
    read_row(copy.from, r, row);
    if (copy.to.type == Number::Int8) {
      if (!write_int8(row, reinterpret_cast<int8_t*>(copy.numbers) + r * cols,
                      copy.scales + r * blocks_of(cols)))
        return false;
      continue;
    }
    unsigned char* to = copy.numbers + r * cols * int64_t(sizeof(Bfloat16));
    for (int64_t c = 0; c < cols; ++c) {
      const Bfloat16 number = to_bfloat16(row[c]);
      std::memcpy(to + c * int64_t(sizeof number), &number, sizeof number);
    }
  }
  return true;
}

}  // namespace

int64_t converted_bytes(int64_t rows, int64_t cols, Number type) {
  const int64_t scales = type == Number::Int8 ? rows * blocks_of(cols) : 0;
  return rows * cols * bytes_of(type) + scales * int64_t(sizeof(float));
}

void convert(const std::vector<Conversion>& conversions,
             std::vector<std::shared_ptr<const void>>& owners) {
  std::vector<Copy> copies;
  int64_t bytes = 0;
  try {
    for (const Conversion& conversion : conversions) {
      const Matrix& from = *conversion.matrix;
      bytes += converted_bytes(from.rows, from.cols, conversion.type);
      copies.push_back(make_copy(from, conversion.type, owners));
    }
  } catch (const std::bad_alloc&) {
    throw Refused("no memory for more than " + std::to_string(bytes) +
                  " bytes of converted weights; use them as they are stored");
  }
  constexpr int64_t kNone = -1;
  std::atomic<int64_t> broken = kNone;
  const auto work = [&](int64_t i) {
    if (!fill(copies[std::size_t(i)])) broken = i;
  };
  Threads threads(std::min(usable_cores(), Threads::kMost));
  threads.run(int64_t(copies.size()), work);
  if (broken != kNone)
    throw Refused("tensor " + conversions[std::size_t(broken.load())].name +
                  " holds NaN or infinity, which cannot be made Int8");
  for (std::size_t i = 0; i < copies.size(); ++i) *conversions[i].matrix = copies[i].to;
}

}  // namespace model
