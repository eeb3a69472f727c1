#pragma once

#include <cstring>
#include <vector>

#include "kernels/linear.h"
#include "kernels/threads.h"
#include "tests/kernels/agree.h"

// Matrices of every type with their storage, and the fast levels that this machine can run.
namespace kernel_test {

struct LinearLevel {
  const char* name;
  void (*linear)(const Linear&, Threads&);
  void (*grouped_linear)(const GroupedLinear&, Threads&);
  void (*absorb_query)(const AbsorbQuery&, Threads&);
  void (*expand_value)(const ExpandValue&, Threads&);
};

template <Instructions level>
LinearLevel linear_level(const char* name) {
  return {name, simd::linear<level>, simd::grouped_linear<level>, simd::absorb_query<level>,
          simd::expand_value<level>};
}

inline std::vector<LinearLevel> linear_levels() {
  std::vector<LinearLevel> levels;
#if defined(__x86_64__)
  if (best_instructions() >= Instructions::Avx2)
    levels.push_back(linear_level<Instructions::Avx2>("avx2"));
  if (best_instructions() >= Instructions::Avx512)
    levels.push_back(linear_level<Instructions::Avx512>("avx512"));
#endif
  return levels;
}

inline constexpr Number kNumbers[] = {Number::F32, Number::BF16, Number::FP8, Number::Int8};

// A matrix and its memory, which begins one number past an aligned address.
class Weights {
 public:
  Weights(Number type, int64_t rows, int64_t cols, uint64_t seed) {
    const int64_t size = bytes_of(type);
    matrix_.type = type;
    matrix_.rows = rows;
    matrix_.cols = cols;
    bytes_.resize(std::size_t((rows * cols + 1) * size));
    const std::vector<float> values = numbers(rows * cols, seed);
    Draws draws(seed + 1);
    for (std::size_t i = 0; i < values.size(); ++i)
      put(bytes_.data() + (int64_t(i) + 1) * size, values[i], draws);
    matrix_.data = bytes_.data() + size;
    if (type == Number::FP8 || type == Number::Int8) add_scales(draws);
  }

  // Views into this object.
  const Matrix& matrix() const { return matrix_; }
  unsigned char* number(int64_t r, int64_t c) {
    return bytes_.data() + (r * matrix_.cols + c + 1) * bytes_of(matrix_.type);
  }

 private:
  void put(unsigned char* to, float value, Draws& draws) const {
    const uint16_t half = to_bfloat16(value).bits;
    uint8_t byte = uint8_t(draws.bits());
    if (matrix_.type == Number::FP8 && (byte & 0x7F) == 0x7F) byte = 0x80;  // no NaN
    if (matrix_.type == Number::Int8 && byte == 0x80) byte = 0x81;          // no -128
    if (matrix_.type == Number::F32) std::memcpy(to, &value, sizeof value);
    if (matrix_.type == Number::BF16) std::memcpy(to, &half, sizeof half);
    if (bytes_of(matrix_.type) == 1) *to = byte;
  }

  void add_scales(Draws& draws) {
    constexpr int64_t block = Matrix::kBlock;
    matrix_.scale_rows = matrix_.type == Number::Int8 ? 1 : block;
    const int64_t down = (matrix_.rows + matrix_.scale_rows - 1) / matrix_.scale_rows;
    const int64_t across = (matrix_.cols + block - 1) / block;
    for (int64_t i = 0; i < down * across; ++i) scales_.push_back((1.5f + draws.uniform()) / 128);
    matrix_.scale = {scales_.data(), {down, across}};
  }

  Matrix matrix_;
  std::vector<unsigned char> bytes_;
  std::vector<float> scales_;
};

// A float sum of `terms` products of size about 1, some 30 times larger, against one in double.
inline Tolerance sum_tolerance(int64_t terms) {
  return {.absolute = 1e-5 + 2e-6 * double(terms), .relative = 1e-5};
}

template <int Rank>
View<const float, Rank> view(const std::vector<float>& values, const int64_t (&extent)[Rank]) {
  View<const float, Rank> v;
  v.data = values.data();
  for (int i = 0; i < Rank; ++i) v.extent[i] = extent[i];
  return v;
}

template <int Rank>
View<float, Rank> view(std::vector<float>& values, const int64_t (&extent)[Rank]) {
  View<float, Rank> v;
  v.data = values.data();
  for (int i = 0; i < Rank; ++i) v.extent[i] = extent[i];
  return v;
}

// y of a linear layer that `layer` computes, from poisoned memory.
template <class Layer>
std::vector<float> multiply(const Layer& layer, const std::vector<float>& x, const Matrix& weight,
                            Rounding rounding = Rounding::ToWeights) {
  const int64_t tokens = weight.cols == 0 ? 0 : int64_t(x.size()) / weight.cols;
  std::vector<float> y = poisoned(tokens * weight.rows);
  layer({.x = view(x, {tokens, weight.cols}),
         .weight = weight,
         .y = view(y, {tokens, weight.rows}),
         .rounding = rounding});
  return y;
}

inline auto on(const LinearLevel& level, Threads& threads) {
  return [&level, &threads](const Linear& args) { level.linear(args, threads); };
}

inline std::vector<float> rows_of(const std::vector<float>& x, int64_t cols, int64_t first,
                                  int64_t count) {
  return {x.begin() + first * cols, x.begin() + (first + count) * cols};
}

}  // namespace kernel_test
