#pragma once

#include "kernels/simd/linear_products.h"
#include "kernels/simd/linear_sums.h"
#include "kernels/simd/linear_weights.h"

// Linear layers on vdpbf16ps, which adds 32 products of bfloat16 numbers to 16 running sums.
//
// Each output is one register of sums over the columns in ascending order, 64 columns a step, then
// one tree over its lanes. A tile of tokens by a group of rows of W shares what is loaded. Bfloat16
// weights are read where they lie unless many tiles meet them, FP8 and Int8 weights are decoded in
// registers for a single tile; else a group is first brought into a panel in the first cache. With
// scales, the sum of a block of kBlock columns starts at 0 and joins the total by one fused
// multiplication. All these ways run the same chain of operations. Subnormal bfloat16 numbers count
// as 0 in this instruction.
#if defined(__AVX512BF16__)

namespace {

constexpr int64_t kTilesInPlace = 4;   // of tokens: for more, copying bfloat16 weights pays
constexpr int64_t kSliceCols = 1024;   // of bfloat16 weights that several tiles meet: 8 KiB a group
constexpr int64_t kAheadBytes = 8192;  // of W between what is fetched and what is multiplied

// Tokens in a tile: the running sums fill the registers. With scales, the totals wait in memory.
constexpr int64_t most_tokens(Number type) { return is_scaled(type) ? 4 : 6; }

// Adds the products of `count` columns, at most kStep, from c on. x: [2][tokens][32].
template <Number type, int tokens, class Weights, class Ahead>
[[gnu::always_inline]] inline void add_step(const Weights& w, int64_t c, int64_t count,
                                            const __m512i* x, const Ahead& ahead,
                                            Sums<tokens>& sums) {
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
#pragma GCC unroll 4
    for (int j = 0; j < kGroupRows; ++j) {
      const __m512i weights = w.half(j, c, half, count);
      if (type == Number::BF16 || half == 0) ahead.fetch(j, c * bytes_of(type) + 64 * half);
#pragma GCC unroll 8
      for (int i = 0; i < tokens; ++i)
        sums.at[i][j] = dot_pairs(sums.at[i][j], x[half * tokens + i], weights);
    }
  }
}

// The same for weights that come by whole steps.
template <Number type, int tokens, class Ahead>
[[gnu::always_inline]] inline void add_step(const CodedRows<type>& w, int64_t c, int64_t count,
                                            const __m512i* x, const Ahead& ahead,
                                            Sums<tokens>& sums) {
#pragma GCC unroll 4
  for (int j = 0; j < kGroupRows; ++j) {
    const TwoHalves weights = w.step(j, c, count);
    ahead.fetch(j, c);
#pragma GCC unroll 8
    for (int i = 0; i < tokens; ++i) sums.at[i][j] = dot_pairs(sums.at[i][j], x[i], weights.first);
#pragma GCC unroll 8
    for (int i = 0; i < tokens; ++i)
      sums.at[i][j] = dot_pairs(sums.at[i][j], x[tokens + i], weights.second);
  }
}

// The columns from c to `end`. x: [steps][2][tokens][32].
template <Number type, int tokens, class Weights, class Ahead>
[[gnu::always_inline]] inline const __m512i* add_columns(const Weights& w, int64_t c, int64_t end,
                                                         const __m512i* x, const Ahead& ahead,
                                                         Sums<tokens>& sums) {
  for (; c + kStep <= end; c += kStep, x += 2 * tokens) add_step<type>(w, c, kStep, x, ahead, sums);
  if (c < end) {
    add_step<type>(w, c, end - c, x, ahead, sums);
    x += 2 * tokens;
  }
  return x;
}

// Some columns of a group of rows. Begins and ends with a block, or with the row.
struct Slice {
  int64_t begin, end;
  const float* const* scale;
};

// One tile of tokens by one group of rows.
template <Number type, int tokens, class Weights, class Ahead>
void multiply_tile(const Weights& w, const Slice& slice, const __m512i* x, const Ahead& ahead,
                   const Carried& carried, const Output& out) {
  Sums<tokens> total;
  begin(carried, total);
  if constexpr (is_scaled(type)) {
    for (int64_t c = slice.begin; c < slice.end; c += Matrix::kBlock) {
      Sums<tokens> part;
      clear(part);
      x = add_columns<type>(w, c, smaller(slice.end, c + Matrix::kBlock), x, ahead, part);
      add_scaled(total, part, slice.scale, c / Matrix::kBlock);
    }
  } else {
    add_columns<type>(w, slice.begin, slice.end, x, ahead, total);
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
          const TwoHalves plain = round_step(x + c, cols - c);
          const TwoHalves halves = is_scaled(part.weight.type) ? split(plain) : plain;
          to[0] = halves.first;
          to[size] = halves.second;
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

  // A group of rows of W and all that meets it.
  struct Group {
    const Block& block;
    RowRange range;
    GroupRows rows;
    int64_t ahead;  // bytes from these rows to those that are to be fetched meanwhile
    float* sums;    // [kBlockTokens][kGroupRows][16]: what one slice of columns leaves to the next
  };

  template <Number type>
  static void multiply_type(const Block& block, RowRange range) {
    alignas(64) float sums[kBlockTokens * kGroupRows * 16];
    const Matrix& w = block.part.weight;
    const TokenTiles tiles(block.part.tokens, most_tokens(type));
    for (int64_t r = 0; r < range.count; r += kGroupRows) {
      const RowRange rows{range.first + r, smaller(kGroupRows, range.count - r)};
      const Group group{block, rows, GroupRows(w, rows), distance(w, range.count - r), sums};
      if constexpr (type == Number::BF16) {
        multiply_group<type>(Bf16Rows{group.rows}, kTilesInPlace, tiles, group);
      } else {
        multiply_group<type>(CodedRows<type>{group.rows}, 1, tiles, group);
      }
    }
  }

  // How far ahead of a group to fetch if `left` rows of its task are left, it included. What lies
  // behind them is another's.
  static int64_t distance(const Matrix& w, int64_t left) {
    const int64_t bytes = bigger(1, kGroupRows * w.cols * bytes_of(w.type));
    const int64_t groups = bigger(1, kAheadBytes / bytes);
    return (groups + 1) * kGroupRows <= left ? groups * bytes : 0;
  }

  // What a tile fetches: the first tiles share the rows evenly, so that they come in time.
  static NextRows next_rows(const Group& group, int64_t tile, int64_t tiles) {
    const int64_t sharing = smaller(tiles, kGroupRows);
    const int64_t begin = tile * kGroupRows / sharing, end = (tile + 1) * kGroupRows / sharing;
    NextRows next;
    for (int64_t j = 0; j < kGroupRows; ++j)
      next.row[j] = group.rows.row[j] + (begin <= j && j < end ? group.ahead : 0);
    return next;
  }

  // Straight from memory if few tiles meet the rows, else by panels. For several tiles the columns
  // are cut into slices that stay in the first cache.
  template <Number type, class Weights>
  static void multiply_group(const Weights& w, int64_t tiles_in_place, const TokenTiles& tiles,
                             const Group& group) {
    const int64_t cols = group.block.part.weight.cols;
    const bool in_place = tiles.count <= tiles_in_place;
    const int64_t slice = tiles.count == 1 ? bigger(1, cols) : in_place ? kSliceCols : Panel::kCols;
    Panel panel;
    for (int64_t c = 0; c == 0 || c < cols; c += slice) {
      const int64_t end = smaller(cols, c + slice);
      if (in_place) {
        multiply_slice<type>(w, c, end, tiles, group);
      } else {
        panel.fill(w, c, end);
        multiply_slice<type>(panel, c, end, tiles, group);
      }
    }
  }

  // Columns first ... end - 1 of the group by all tokens.
  template <Number type, class Weights>
  static void multiply_slice(const Weights& w, int64_t first, int64_t end, const TokenTiles& tiles,
                             const Group& group) {
    const Product& part = group.block.part;
    const Slice slice{first, end, group.rows.scale};
    for (int64_t tile = 0; tile < tiles.count; ++tile) {
      const int64_t token = tiles.first(tile), size = tiles.size(tile);
      const __m512i* x = tile_at(group.block, token) + first / kStep * 2 * size;
      const Carried carried{first == 0 ? Carried::From::Nothing : Carried::From::Earlier,
                            end < part.weight.cols ? Carried::To::Later : Carried::To::Output,
                            group.sums + token * kGroupRows * 16};
      const Output out{part.y + token * part.y_stride + group.range.first, part.y_stride,
                       group.range.count};
      const bool fetches = tile < kGroupRows;
      const NextRows next = next_rows(group, tile, tiles.count);
      for_tokens<type>(size, [&]<int tokens>() {
        if (fetches) return multiply_tile<type, tokens>(w, slice, x, next, carried, out);
        multiply_tile<type, tokens>(w, slice, x, NothingAhead{}, carried, out);
      });
    }
  }

  // Calls f.operator()<n>() with n = tokens.
  template <Number type, int n = 1, class F>
  [[gnu::always_inline]] static void for_tokens(int64_t tokens, const F& f) {
    if (tokens == n) return f.template operator()<n>();
    if constexpr (n < most_tokens(type)) for_tokens<type, n + 1>(tokens, f);
  }
};

}  // namespace

#endif
