#pragma once

#include <cstring>

#include "kernels/simd/intrinsics.h"
#include "kernels/simd/lanes.h"
#include "kernels/simd/linear_products.h"

// Linear layers in float: weights of any type are widened in registers, and each output is one
// register of running sums over the columns. With scales, the sum of a block of kBlock columns
// starts at 0 and joins the total by one fused multiplication with its scale.
namespace {

struct FloatRows {
  const unsigned char* row[kGroupRows];
  const float* scale[kGroupRows];                               // one for each block of columns
  alignas(64) unsigned char rest[kGroupRows][kLanes * 4] = {};  // the last columns, then zeros
};

constexpr bool has_scales(Number type) { return type == Number::FP8 || type == Number::Int8; }

#if defined(__AVX512F__)
inline __m512i widen_unsigned(const unsigned char* p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline Lanes widen_signed(const unsigned char* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}
// The exponent field is brought into place, then its bias is mended by an exact multiplication,
// which also does the right thing with subnormal numbers.
inline Lanes widen_float8(const unsigned char* p) {
  const __m512i x = widen_unsigned(p), magnitude = _mm512_and_si512(x, _mm512_set1_epi32(0x7F));
  const __m512i sign = _mm512_slli_epi32(_mm512_xor_si512(x, magnitude), 24);
  Lanes y = _mm512_castsi512_ps(_mm512_slli_epi32(magnitude, 20));
  y = _mm512_mul_ps(y, _mm512_set1_ps(0x1p120f));
  const __mmask16 nan = _mm512_cmpeq_epi32_mask(magnitude, _mm512_set1_epi32(0x7F));
  y = _mm512_mask_mov_ps(y, nan, _mm512_set1_ps(__builtin_nanf("")));
  return _mm512_or_ps(y, _mm512_castsi512_ps(sign));
}
#else
inline __m256i widen_unsigned(const unsigned char* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
inline Lanes widen_signed(const unsigned char* p) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}
// The exponent field is brought into place, then its bias is mended by an exact multiplication,
// which also does the right thing with subnormal numbers.
inline Lanes widen_float8(const unsigned char* p) {
  const __m256i x = widen_unsigned(p), magnitude = _mm256_and_si256(x, _mm256_set1_epi32(0x7F));
  const __m256i sign = _mm256_slli_epi32(_mm256_xor_si256(x, magnitude), 24);
  Lanes y = _mm256_castsi256_ps(_mm256_slli_epi32(magnitude, 20));
  y = _mm256_mul_ps(y, _mm256_set1_ps(0x1p120f));
  const __m256i nan = _mm256_cmpeq_epi32(magnitude, _mm256_set1_epi32(0x7F));
  y = _mm256_blendv_ps(y, _mm256_set1_ps(__builtin_nanf("")), _mm256_castsi256_ps(nan));
  return _mm256_or_ps(y, _mm256_castsi256_ps(sign));
}
#endif

// kLanes weights from p on, without their scale.
template <Number type>
Lanes load_weights(const unsigned char* p) {
  if constexpr (type == Number::F32) return load(reinterpret_cast<const float*>(p));
  if constexpr (type == Number::BF16) return load_widened(reinterpret_cast<const Bfloat16*>(p));
  if constexpr (type == Number::FP8) return widen_float8(p);
  if constexpr (type == Number::Int8) return widen_signed(p);
}

template <Number type>
FloatRows float_rows(const Matrix& w, RowRange range) {
  constexpr int64_t size = bytes_of(type);
  FloatRows rows;
  const int64_t whole = w.cols / kLanes * kLanes;
  for (int64_t j = 0; j < kGroupRows; ++j) {
    const int64_t r = range.first + smaller(j, range.count - 1);  // a missing row repeats the last
    rows.row[j] = static_cast<const unsigned char*>(w.data) + r * w.cols * size;
    rows.scale[j] = has_scales(type) ? scales_of(w, r) : nullptr;
    if (whole < w.cols)
      std::memcpy(rows.rest[j], rows.row[j] + whole * size, std::size_t((w.cols - whole) * size));
  }
  return rows;
}

// A tile's running sums: [token][row of the group].
template <int tokens>
struct FloatSums {
  Lanes at[tokens][kGroupRows];
};

// Adds the products of kLanes columns.
template <Number type, int tokens>
[[gnu::always_inline]] inline void add_column(const unsigned char* const* w, const float* x,
                                              int64_t x_stride, FloatSums<tokens>& sums) {
#pragma GCC unroll 4
  for (int j = 0; j < kGroupRows; ++j) {
    const Lanes weights = load_weights<type>(w[j]);
#pragma GCC unroll 4
    for (int i = 0; i < tokens; ++i)
      sums.at[i][j] = multiply_add(load(x + i * x_stride), weights, sums.at[i][j]);
  }
}

template <int tokens>
[[gnu::always_inline]] inline void clear(FloatSums<tokens>& sums) {
#pragma GCC unroll 4
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j) sums.at[i][j] = zeros();
}

// x: [tokens][x_stride], zeros past the last column.
template <Number type, int tokens>
FloatSums<tokens> float_products(const FloatRows& rows, int64_t cols, const float* x,
                                 int64_t x_stride) {
  FloatSums<tokens> total, part;
  clear(total);
  const int64_t block_cols = has_scales(type) ? Matrix::kBlock : bigger(1, cols);
  for (int64_t begin = 0; begin < cols; begin += block_cols) {
    const int64_t end = smaller(cols, begin + block_cols);
    clear(part);
    for (int64_t c = begin; c < end; c += kLanes) {
      const unsigned char* w[kGroupRows];
#pragma GCC unroll 4
      for (int j = 0; j < kGroupRows; ++j)
        w[j] = c + kLanes <= cols ? rows.row[j] + c * bytes_of(type) : rows.rest[j];
      add_column<type, tokens>(w, x + c, x_stride, part);
    }
    if constexpr (!has_scales(type)) return part;
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j) {
      const Lanes scale = has_scales(type) ? all(rows.scale[j][begin / block_cols]) : zeros();
#pragma GCC unroll 4
      for (int i = 0; i < tokens; ++i)
        total.at[i][j] = multiply_add(part.at[i][j], scale, total.at[i][j]);
    }
  }
  return total;
}

template <Rounding rounding>
struct FloatPath {
  static constexpr int64_t kTileTokens = 3;

  static int64_t tile_tokens(Number) { return kTileTokens; }
  static int64_t padded(int64_t cols) { return (cols + kLanes - 1) / kLanes * kLanes; }
  static int64_t packed_bytes(int64_t cols) { return padded(cols) * int64_t(sizeof(float)); }

  static void pack(const Block& block) {
    const Product& part = block.part;
    const int64_t cols = part.weight.cols, stride = padded(cols);
    const bool round = rounding == Rounding::ToWeights && part.weight.type != Number::F32;
    for (int64_t t = 0; t < part.tokens; ++t) {
      const float* x = part.x + t * part.x_stride;
      float* to = reinterpret_cast<float*>(block.packed) + t * stride;
      for (int64_t c = 0; c < cols; ++c) to[c] = round ? to_float(to_bfloat16(x[c])) : x[c];
      for (int64_t c = cols; c < stride; ++c) to[c] = 0;
    }
  }

  static void multiply(const Block& block, RowRange rows) {
    switch (block.part.weight.type) {
      case Number::F32:
        return multiply_type<Number::F32>(block, rows);
      case Number::BF16:
        return multiply_type<Number::BF16>(block, rows);
      case Number::FP8:
        return multiply_type<Number::FP8>(block, rows);
      case Number::Int8:
        return multiply_type<Number::Int8>(block, rows);
    }
  }

 private:
  template <Number type>
  static void multiply_type(const Block& block, RowRange range) {
    const TokenTiles tiles(block.part.tokens, kTileTokens);
    for (int64_t r = 0; r < range.count; r += kGroupRows) {
      const RowRange group{range.first + r, smaller(kGroupRows, range.count - r)};
      const FloatRows rows = float_rows<type>(block.part.weight, group);
      for (int64_t tile = 0; tile < tiles.count; ++tile) {
        const int64_t t = tiles.first(tile);
        if (tiles.size(tile) == 1) multiply_tile<type, 1>(block, rows, group, t);
        if (tiles.size(tile) == 2) multiply_tile<type, 2>(block, rows, group, t);
        if (tiles.size(tile) == 3) multiply_tile<type, 3>(block, rows, group, t);
      }
    }
  }

  template <Number type, int tokens>
  static void multiply_tile(const Block& block, const FloatRows& rows, RowRange group, int64_t t) {
    const int64_t cols = block.part.weight.cols, stride = padded(cols);
    const float* x = reinterpret_cast<const float*>(block.packed) + t * stride;
    const FloatSums<tokens> sums = float_products<type, tokens>(rows, cols, x, stride);
    for (int64_t i = 0; i < tokens; ++i)
      for (int64_t j = 0; j < group.count; ++j)
        block.part.y[(t + i) * block.part.y_stride + group.first + j] = sum(sums.at[i][j]);
  }
};

}  // namespace
