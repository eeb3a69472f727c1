#pragma once

#include "kernels/simd/linear_products.h"

// A group of rows of W as vdpbf16ps wants it: in memory, decoded on the way, or decoded beforehand.
#if defined(__AVX512BF16__)

#include "kernels/simd/intrinsics.h"

namespace {

constexpr int64_t kStep = 64;  // columns that are multiplied at a time

constexpr bool is_scaled(Number type) { return type != Number::BF16; }

// The bytes of the bfloat16 numbers that the magnitudes 0 ... 127 stand for.
struct DecodingTables {
  alignas(64) unsigned char low[128] = {};
  alignas(64) unsigned char high[128] = {};
};

template <Number type>
constexpr DecodingTables decoding_tables() {
  DecodingTables tables;
  for (int i = 0; i < 128; ++i) {
    const float value = type == Number::FP8 ? to_float(Float8{uint8_t(i)}) : float(i);
    const uint16_t bits = to_bfloat16(value).bits;
    tables.low[i] = static_cast<unsigned char>(bits & 0xFF);
    tables.high[i] = static_cast<unsigned char>(bits >> 8);
  }
  return tables;
}

template <Number type>
constexpr DecodingTables kTables = decoding_tables<type>();

struct TwoHalves {
  __m512i first, second;  // 32 bfloat16 numbers each
};

// FP8 and Int8 to bfloat16, exactly. The two halves hold the columns in the order of `split` below.
template <Number type>
[[gnu::always_inline]] inline TwoHalves decode(__m512i bytes) {
  const auto* low = reinterpret_cast<const __m512i*>(kTables<type>.low);
  const auto* high = reinterpret_cast<const __m512i*>(kTables<type>.high);
  const __m512i magnitude = type == Number::Int8 ? _mm512_abs_epi8(bytes) : bytes;
  const __m512i lows = _mm512_permutex2var_epi8(low[0], magnitude, low[1]);
  const __m512i highs = _mm512_permutex2var_epi8(high[0], magnitude, high[1]);
  const __m512i sign = _mm512_set1_epi8(char(-128));
  const __m512i signed_highs = _mm512_ternarylogic_epi32(highs, bytes, sign, 0xF8);  // a | (b & c)
  return {_mm512_unpacklo_epi8(lows, signed_highs), _mm512_unpackhi_epi8(lows, signed_highs)};
}

// The order in which `decode` leaves the columns of a step: groups of eight by turns.
[[gnu::always_inline]] inline TwoHalves split(TwoHalves x) {
  return {_mm512_shuffle_i64x2(x.first, x.second, 0x88),
          _mm512_shuffle_i64x2(x.first, x.second, 0xDD)};
}

inline __mmask32 first_of_32(int64_t count) {
  return count >= 32 ? ~0u : count <= 0 ? 0u : (1u << count) - 1u;
}
inline __mmask64 first_of_64(int64_t count) { return count >= 64 ? ~0ull : (1ull << count) - 1ull; }

// Where the rows of a group begin. A missing row repeats the last.
struct GroupRows {
  const unsigned char* row[kGroupRows];
  const float* scale[kGroupRows];  // one for each block of columns

  GroupRows(const Matrix& w, RowRange group) {
    for (int64_t j = 0; j < kGroupRows; ++j) {
      const int64_t r = group.first + smaller(j, group.count - 1);
      row[j] = static_cast<const unsigned char*>(w.data) + r * w.cols * bytes_of(w.type);
      scale[j] = is_scaled(w.type) ? scales_of(w, r) : nullptr;
    }
  }
};

// BF16 numbers where they lie.
struct Bf16Rows {
  const GroupRows& rows;

  [[gnu::always_inline]] TwoHalves step(int j, int64_t c, int64_t count) const {
    return {half(j, c, 0, count), half(j, c, 1, count)};
  }

  // Columns c + 32 * half ..., of `count` that are left from c on; zeros behind them.
  [[gnu::always_inline]] __m512i half(int j, int64_t c, int half, int64_t count) const {
    return _mm512_maskz_loadu_epi16(first_of_32(count - 32 * half),
                                    rows.row[j] + 2 * c + 64 * half);
  }
};

// FP8 or Int8 numbers, decoded in registers.
template <Number type>
struct CodedRows {
  const GroupRows& rows;

  [[gnu::always_inline]] TwoHalves step(int j, int64_t c, int64_t count) const {
    return decode<type>(_mm512_maskz_loadu_epi8(first_of_64(count), rows.row[j] + c));
  }
};

// Some columns of a group of rows as bfloat16 numbers, aligned, zeros behind them.
struct Panel {
  static constexpr int64_t kCols = 2048;
  static constexpr int64_t kStride = kCols + 32;  // rows must not fall into the same cache sets

  int64_t first = 0;
  alignas(64) uint16_t number[kGroupRows][kStride];

  template <class Weights>
  void fill(const Weights& weights, int64_t begin, int64_t end) {
    first = begin;
    for (int j = 0; j < kGroupRows; ++j) {
      for (int64_t c = begin; c < end; c += kStep) {
        const TwoHalves halves = weights.step(j, c, end - c);
        _mm512_store_si512(number[j] + c - begin, halves.first);
        _mm512_store_si512(number[j] + c - begin + 32, halves.second);
      }
    }
  }

  [[gnu::always_inline]] __m512i half(int j, int64_t c, int half, int64_t) const {
    return _mm512_load_si512(number[j] + c - first + 32 * half);
  }
};

static_assert(Panel::kCols % Matrix::kBlock == 0, "a panel holds whole blocks");

// What to fetch from memory while something else is multiplied: the next group's rows, into the
// second cache, since the first is full of what is at work.
struct NextRows {
  const unsigned char* row[kGroupRows];

  // Spread between multiplications: many of them at a time hold up the loads behind them.
  [[gnu::always_inline]] void fetch(int j, int64_t offset) const {
    // Written out, because gcc 12 drops calls to functions that do nothing but _mm_prefetch.
    asm volatile("prefetcht1 %0" : : "m"(row[j][offset]));
  }
};

struct NothingAhead {
  void fetch(int, int64_t) const {}
};

}  // namespace

#endif
