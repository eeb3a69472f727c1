#pragma once

#include "kernels/simd/linear_products.h"

// Linear layers on vdpbf16ps, which adds 32 products of bfloat16 numbers to 16 running sums.
//
// Each output is one register of sums over the columns in ascending order, 64 columns a step, then
// one tree over its lanes. Few tokens: weights go from memory straight into the multiplication.
// More than one tile of tokens: the weights of a group of rows are first decoded into a panel that
// stays in the first cache, then met by every tile. Both run the same chain of operations.
//
// FP8 and Int8 numbers are decoded exactly, by two look-ups in tables of 128 bytes (the low and the
// high byte of the bfloat16) and an interleaving that leaves each step's columns in the order of
// `kSplit` below; x is packed in that order too. The sum of a block of kBlock columns starts at 0
// and joins the total by one fused multiplication with its scale. Subnormal bfloat16 numbers count
// as 0 in this instruction.
#if defined(__AVX512BF16__)

#include "kernels/simd/intrinsics.h"

namespace {

constexpr int64_t kStep = 64;           // columns
constexpr int64_t kPanelCols = 2048;    // of a panel: 4 rows of them fill half of the first cache
constexpr int64_t kPanelStride = 2080;  // numbers: rows must not fall into the same cache sets
constexpr int64_t kTilesMost = 64;      // of tokens in a block

constexpr bool is_scaled(Number type) { return type != Number::BF16; }
// Tokens in a tile: the running sums fill the registers. With scales, the totals wait in memory.
constexpr int64_t most_tokens(Number type) { return is_scaled(type) ? 4 : 6; }

static_assert((kBlockTokens + most_tokens(Number::FP8) - 1) / most_tokens(Number::FP8) <=
              kTilesMost);
static_assert(kPanelCols % Matrix::kBlock == 0, "a panel holds whole blocks");

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

// The first `count` of kStep weights from p on, then zeros. 0 < count.
template <Number type>
[[gnu::always_inline]] inline TwoHalves load_step(const unsigned char* p, int64_t count) {
  if constexpr (type == Number::BF16) {
    const __mmask32 first = count >= 32 ? ~0u : (1u << count) - 1u;
    const __mmask32 second = count >= 64 ? ~0u : count <= 32 ? 0u : (1u << (count - 32)) - 1u;
    return {_mm512_maskz_loadu_epi16(first, p), _mm512_maskz_loadu_epi16(second, p + 64)};
  } else {
    const __mmask64 mask = count >= 64 ? ~0ull : (1ull << count) - 1ull;
    return decode<type>(_mm512_maskz_loadu_epi8(mask, p));
  }
}

[[gnu::always_inline]] inline __m512 dot_pairs(__m512 sum, __m512i x, __m512i w) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(w));
}

// A tile's running sums: [token][row of the group].
template <int tokens>
struct Sums {
  __m512 at[tokens][kGroupRows];
};

template <int tokens>
[[gnu::always_inline]] inline void clear(Sums<tokens>& sums) {
#pragma GCC unroll 8
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j) sums.at[i][j] = _mm512_setzero_ps();
}

template <int tokens>
[[gnu::always_inline]] inline void add_scaled(Sums<tokens>& total, const Sums<tokens>& part,
                                              const float* const* scale, int64_t block) {
#pragma GCC unroll 4
  for (int j = 0; j < kGroupRows; ++j) {
    const __m512 factor = _mm512_set1_ps(scale[j][block]);
#pragma GCC unroll 8
    for (int i = 0; i < tokens; ++i)
      total.at[i][j] = _mm512_fmadd_ps(part.at[i][j], factor, total.at[i][j]);
  }
}

// Sums of the lanes, two registers at a time: (i, i + 8), then (i, i + 4), (i, i + 2), (i, i + 1).
inline __m512 fold_8(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
}
inline __m512 fold_4(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}
inline __m512 fold_2(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xEE));
}
inline __m512 fold_1(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
}

// Where a tile's results go: [tokens][stride], `count` numbers of each row.
struct Output {
  float* y;
  int64_t stride;
  int64_t count;
};

// Four tokens at most: their sums' trees are folded together, and come out side by side.
template <int tokens, int first>
[[gnu::always_inline]] inline void store_four(const Sums<tokens>& sums, const Output& out) {
  constexpr int left = tokens - first < 4 ? tokens - first : 4;
  __m512 row[4];
#pragma GCC unroll 4
  for (int i = 0; i < left; ++i) {
    const __m512* s = sums.at[first + i];
    row[i] = fold_4(fold_8(s[0], s[1]), fold_8(s[2], s[3]));
  }
  const __m512 a = fold_2(row[0], row[left > 1 ? 1 : 0]);
  const __m512 b = left > 2 ? fold_2(row[2], row[left > 3 ? 3 : 2]) : a;
  const __m512i by_token = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512 folded = _mm512_permutexvar_ps(by_token, fold_1(a, b));
  const __mmask8 mask = __mmask8((1u << out.count) - 1u);
  float* y = out.y + first * out.stride;
  _mm_mask_storeu_ps(y, mask, _mm512_castps512_ps128(folded));
  if constexpr (left > 1)
    _mm_mask_storeu_ps(y + out.stride, mask, _mm512_extractf32x4_ps(folded, 1));
  if constexpr (left > 2)
    _mm_mask_storeu_ps(y + 2 * out.stride, mask, _mm512_extractf32x4_ps(folded, 2));
  if constexpr (left > 3)
    _mm_mask_storeu_ps(y + 3 * out.stride, mask, _mm512_extractf32x4_ps(folded, 3));
}

template <int tokens>
[[gnu::always_inline]] inline void store(const Sums<tokens>& sums, const Output& out) {
  store_four<tokens, 0>(sums, out);
  if constexpr (tokens > 4) store_four<tokens, 4>(sums, out);
}

// A group of rows of W in memory.
struct Rows {
  const unsigned char* row[kGroupRows];
  const float* scale[kGroupRows];
  int64_t next;  // bytes to the group behind this one, 0: none; for prefetching

  Rows(const Matrix& w, RowRange group, RowRange all) {
    const int64_t bytes = w.cols * bytes_of(w.type);
    for (int64_t j = 0; j < kGroupRows; ++j) {
      const int64_t r = group.first + smaller(j, group.count - 1);  // a missing row: the last again
      row[j] = static_cast<const unsigned char*>(w.data) + r * bytes;
      scale[j] = is_scaled(w.type) ? scales_of(w, r) : nullptr;
    }
    next = group.first + 2 * kGroupRows <= all.first + all.count ? kGroupRows * bytes : 0;
  }
};

// Into the second cache: the first one is full of what is being multiplied. Written out, because
// gcc 12 drops calls to functions that do nothing but _mm_prefetch.
[[gnu::always_inline]] inline void prefetch(const unsigned char* p) {
  asm volatile("prefetcht1 %0" : : "m"(*p));
}

// One tile of tokens against rows in memory. x: [steps][2][tokens][32].
template <Number type, int tokens>
void multiply_rows(const Rows& w, int64_t cols, const __m512i* x, const Output& out) {
  constexpr int64_t step_bytes = kStep * bytes_of(type);
  const int64_t block_cols = is_scaled(type) ? Matrix::kBlock : bigger(1, cols);
  Sums<tokens> total, part;
  clear(total);
  clear(part);
  for (int64_t begin = 0; begin < cols; begin += block_cols) {
    const int64_t end = smaller(cols, begin + block_cols);
    clear(part);
    for (int64_t c = begin; c < end; c += kStep, x += 2 * tokens) {
#pragma GCC unroll 4
      for (int j = 0; j < kGroupRows; ++j) {
        const unsigned char* p = w.row[j] + c / kStep * step_bytes;
        const TwoHalves weights = load_step<type>(p, cols - c);
        prefetch(p + w.next);
        if constexpr (type == Number::BF16) prefetch(p + w.next + 64);
#pragma GCC unroll 8
        for (int i = 0; i < tokens; ++i)
          part.at[i][j] = dot_pairs(part.at[i][j], x[i], weights.first);
#pragma GCC unroll 8
        for (int i = 0; i < tokens; ++i)
          part.at[i][j] = dot_pairs(part.at[i][j], x[tokens + i], weights.second);
      }
    }
    if constexpr (is_scaled(type)) add_scaled(total, part, w.scale, begin / block_cols);
  }
  store(is_scaled(type) ? total : part, out);
}

// Columns first ... first + cols - 1 of a group of rows, decoded.
struct Panel {
  int64_t first = 0;
  int64_t cols = 0;
  int64_t steps() const { return (cols + kStep - 1) / kStep; }
  alignas(64) uint16_t number[kGroupRows][kPanelStride];
};

template <Number type>
void decode_panel(const Rows& w, int64_t all_cols, int64_t first, Panel& panel) {
  panel.first = first;
  panel.cols = smaller(kPanelCols, all_cols - first);
  for (int64_t j = 0; j < kGroupRows; ++j) {
    const unsigned char* row = w.row[j] + first * bytes_of(type);
    for (int64_t c = 0; c < panel.cols; c += kStep) {
      const TwoHalves halves = load_step<type>(row + c * bytes_of(type), panel.cols - c);
      _mm512_store_si512(panel.number[j] + c, halves.first);
      _mm512_store_si512(panel.number[j] + c + 32, halves.second);
    }
  }
}

// What a tile of tokens has summed up over earlier panels. [tokens][kGroupRows][16]
struct Carried {
  enum class From { Nothing, Earlier } from = From::Nothing;
  enum class To { Later, Output } to = To::Output;
  float* sums = nullptr;
};

template <int tokens>
[[gnu::always_inline]] inline void begin(const Carried& carried, Sums<tokens>& sums) {
  clear(sums);
  if (carried.from == Carried::From::Nothing) return;
#pragma GCC unroll 8
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j)
      sums.at[i][j] = _mm512_load_ps(carried.sums + (i * kGroupRows + j) * 16);
}

template <int tokens>
[[gnu::always_inline]] inline void end(const Carried& carried, const Sums<tokens>& sums,
                                       const Output& out) {
  if (carried.to == Carried::To::Output) return store(sums, out);
#pragma GCC unroll 8
  for (int i = 0; i < tokens; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j)
      _mm512_store_ps(carried.sums + (i * kGroupRows + j) * 16, sums.at[i][j]);
}

template <int tokens>
[[gnu::always_inline]] inline void add_panel_step(const uint16_t* w, const __m512i* x,
                                                  Sums<tokens>& sums) {
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j) {
      const __m512i weights = _mm512_load_si512(w + j * kPanelStride + half * 32);
#pragma GCC unroll 8
      for (int i = 0; i < tokens; ++i)
        sums.at[i][j] = dot_pairs(sums.at[i][j], x[half * tokens + i], weights);
    }
  }
}

// What to fetch while a tile is multiplied: kStep numbers of two rows each step.
struct Ahead {
  const unsigned char* row[2];
};

template <Number type>
[[gnu::always_inline]] inline void fetch(const Ahead& ahead, int64_t step) {
  constexpr int64_t bytes = kStep * bytes_of(type);
#pragma GCC unroll 2
  for (int64_t line = 0; line < bytes; line += 64) {
    prefetch(ahead.row[0] + step * bytes + line);
    prefetch(ahead.row[1] + step * bytes + line);
  }
}

// One tile of tokens against a panel. x: [steps][2][tokens][32], from the panel's first column on.
template <Number type, int tokens>
void multiply_panel(const Panel& panel, const float* const* scale, const __m512i* x,
                    const Ahead& ahead, const Carried& carried, const Output& out) {
  const int64_t steps = panel.steps();
  const uint16_t* w = panel.number[0];
  Sums<tokens> total;
  begin(carried, total);
  if constexpr (is_scaled(type)) {
    constexpr int64_t block_steps = Matrix::kBlock / kStep;
    const int64_t first_block = panel.first / Matrix::kBlock;
    for (int64_t s = 0; s < steps;) {
      const int64_t block = first_block + s / block_steps;
      Sums<tokens> part;
      clear(part);
      for (const int64_t stop = smaller(steps, s + block_steps); s < stop; ++s) {
        fetch<type>(ahead, s);
        add_panel_step<tokens>(w + s * kStep, x + s * 2 * tokens, part);
      }
      add_scaled(total, part, scale, block);
    }
  } else {
    for (int64_t s = 0; s < steps; ++s) {
      fetch<type>(ahead, s);
      add_panel_step<tokens>(w + s * kStep, x + s * 2 * tokens, total);
    }
  }
  end(carried, total, out);
}

struct Bf16Path {
  static int64_t tile_tokens(Number type) { return most_tokens(type); }
  static int64_t padded(int64_t cols) { return (cols + kStep - 1) / kStep * kStep; }
  static int64_t packed_bytes(int64_t cols) { return padded(cols) * bytes_of(Number::BF16); }

  // Packed: for each tile [steps][2][tokens of the tile][32] numbers, zeros past the last column.
  static void pack(const Block& block) {
    const Product& part = block.part;
    const int64_t cols = part.weight.cols;
    const TokenTiles tiles(part.tokens, most_tokens(part.weight.type));
    for (int64_t tile = 0; tile < tiles.count; ++tile) {
      const int64_t size = tiles.size(tile), first = tiles.first(tile);
      for (int64_t i = 0; i < size; ++i) {
        __m512i* to = tile_at(block, first) + i;
        const float* x = part.x + (first + i) * part.x_stride;
        for (int64_t c = 0; c < cols; c += kStep, to += 2 * size) {
          const TwoHalves halves = round_step(x + c, cols - c);
          const bool split = is_scaled(part.weight.type);
          to[0] = split ? _mm512_shuffle_i64x2(halves.first, halves.second, 0x88) : halves.first;
          to[size] =
              split ? _mm512_shuffle_i64x2(halves.first, halves.second, 0xDD) : halves.second;
        }
      }
    }
  }

  static void multiply(const Block& block, RowRange rows) {
    switch (block.part.weight.type) {
      case Number::BF16:
        return multiply_type<Number::BF16>(block, rows);
      case Number::FP8:
        return multiply_type<Number::FP8>(block, rows);
      case Number::Int8:
        return multiply_type<Number::Int8>(block, rows);
      case Number::F32:
        return;  // linear_float.h has these
    }
  }

 private:
  static __m512i* tile_at(const Block& block, int64_t token) {
    return reinterpret_cast<__m512i*>(block.packed + token * packed_bytes(block.part.weight.cols));
  }

  // kStep numbers of x as bfloat16, zeros from the count-th on.
  static TwoHalves round_step(const float* x, int64_t count) {
    __m512 quarter[4];
    for (int64_t q = 0; q < 4; ++q) {
      const int64_t left = count - q * 16;
      const __mmask16 mask = left >= 16 ? __mmask16(0xFFFF)
                             : left > 0 ? __mmask16((1u << left) - 1u)
                                        : __mmask16(0);
      quarter[q] = _mm512_maskz_loadu_ps(mask, x + q * 16);
    }
    return {reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(quarter[1], quarter[0])),
            reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(quarter[3], quarter[2]))};
  }

  template <Number type>
  static void multiply_type(const Block& block, RowRange range) {
    const TokenTiles tiles(block.part.tokens, most_tokens(type));
    for (int64_t r = 0; r < range.count; r += kGroupRows) {
      const RowRange group{range.first + r, smaller(kGroupRows, range.count - r)};
      const Rows rows(block.part.weight, group, range);
      if (tiles.count == 1) {
        multiply_in_place<type>(block, rows, group);
      } else {
        multiply_by_panels<type>(block, rows, group, tiles);
      }
    }
  }

  static Output output(const Block& block, RowRange group, int64_t token) {
    const Product& part = block.part;
    return {part.y + token * part.y_stride + group.first, part.y_stride, group.count};
  }

  // Calls f.operator()<n>() with n = tokens.
  template <Number type, int n = 1, class F>
  [[gnu::always_inline]] static void for_tokens(int64_t tokens, const F& f) {
    if (tokens == n) return f.template operator()<n>();
    if constexpr (n < most_tokens(type)) for_tokens<type, n + 1>(tokens, f);
  }

  template <Number type>
  static void multiply_in_place(const Block& block, const Rows& rows, RowRange group) {
    const __m512i* x = tile_at(block, 0);
    const Output out = output(block, group, 0);
    for_tokens<type>(block.part.tokens, [&]<int tokens>() {
      multiply_rows<type, tokens>(rows, block.part.weight.cols, x, out);
    });
  }

  template <Number type>
  static void multiply_by_panels(const Block& block, const Rows& rows, RowRange group,
                                 const TokenTiles& tiles) {
    Panel panel;
    alignas(64) float sums[kTilesMost][most_tokens(type) * kGroupRows * 16];
    const int64_t cols = block.part.weight.cols;
    for (int64_t first = 0; first < cols; first += kPanelCols) {
      decode_panel<type>(rows, cols, first, panel);
      for (int64_t tile = 0; tile < tiles.count; ++tile) {
        const Carried carried{first == 0 ? Carried::From::Nothing : Carried::From::Earlier,
                              first + panel.cols < cols ? Carried::To::Later : Carried::To::Output,
                              sums[tile]};
        const int64_t token = tiles.first(tile), size = tiles.size(tile);
        const __m512i* x = tile_at(block, token) + first / kStep * 2 * size;
        const Ahead ahead = ahead_of<type>(rows, first, tile, tiles.count);
        const Output out = output(block, group, token);
        for_tokens<type>(size, [&]<int tokens>() {
          multiply_panel<type, tokens>(panel, rows.scale, x, ahead, carried, out);
        });
      }
    }
  }

  // The next group's weights are fetched while this one's are multiplied: the first tiles share
  // the rows among them.
  template <Number type>
  static Ahead ahead_of(const Rows& rows, int64_t first, int64_t tile, int64_t tiles) {
    const int64_t offset = rows.next + first * bytes_of(type);
    const int64_t a = tiles == 2 ? 2 * tile : smaller(tile, kGroupRows - 1);
    const int64_t b = tiles == 2 ? a + 1 : tiles == 3 && tile == 2 ? 3 : a;
    return {{rows.row[a] + offset, rows.row[b] + offset}};
  }
};

}  // namespace

#endif
