#include "kernels/transpose.h"

#include "kernels/simd/vector.h"

// A square of as many registers as a register has lanes is transposed by exchanging halves, then
// quarters and so on. A band of kLanes columns of x is one task: rows of y are written whole.

namespace {

// Lane i of the result: of a where i has not the bit `step`, else b's lane i - step.
template <int step, int... lane>
inline Floats low_halves(Floats a, Floats b, std::integer_sequence<int, lane...>) {
  return __builtin_shuffle(a, b, Integers{(lane & step ? lane - step + int(kLanes) : lane)...});
}
// Of a's lane i + step where i has not the bit `step`, else b's.
template <int step, int... lane>
inline Floats high_halves(Floats a, Floats b, std::integer_sequence<int, lane...>) {
  return __builtin_shuffle(a, b, Integers{(lane & step ? lane + int(kLanes) : lane + step)...});
}

template <int step>
[[gnu::always_inline]] inline void exchange(Floats* row) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i & step) continue;
    const Floats a = row[i], b = row[i + step];
    row[i] = low_halves<step>(a, b, LaneNumbers{});
    row[i + step] = high_halves<step>(a, b, LaneNumbers{});
  }
}

[[gnu::always_inline]] inline void transpose_square(Floats* row) {
  exchange<1>(row);
  exchange<2>(row);
  exchange<4>(row);
  if constexpr (kLanes == 16) exchange<8>(row);
}

inline void put(float* y, Floats x, int64_t count) { store(y, x, count); }
// Where products are on vdpbf16ps, which counts subnormal numbers as 0, the processor's own
// rounding may do so too.
inline Halves rounded(Floats x) {
#if defined(__AVX512BF16__)
  return (Halves)_mm512_cvtneps_pbh(x);
#else
  return __builtin_convertvector(bfloat16_bits(x), Halves);
#endif
}

inline void put(Bfloat16* y, Floats x, int64_t count) {
  const Halves halves = rounded(x);
  if (count >= kLanes) {
    __builtin_memcpy(&y->bits, &halves, sizeof halves);
  } else {
    __builtin_memcpy(&y->bits, &halves, size_t(count) * 2);
  }
}

template <class To>
void transpose_bands(const Transpose<To>& args, Threads& threads) {
  const int64_t rows = args.x.extent[0], cols = args.x.extent[1];
  const int64_t bands = (cols + kLanes - 1) / kLanes;
  for_rows(threads, bands, rows * kLanes, [&](int64_t band) {
    const int64_t c = band * kLanes, wide = cols - c < kLanes ? cols - c : kLanes;
    for (int64_t r = 0; r < rows; r += kLanes) {
      const int64_t high = rows - r < kLanes ? rows - r : kLanes;
      Floats square[kLanes];
#pragma GCC unroll 16
      for (int64_t i = 0; i < kLanes; ++i)
        square[i] = i < high ? load(args.x.data + (r + i) * cols + c, wide) : all(0);
      transpose_square(square);
#pragma GCC unroll 16
      for (int64_t i = 0; i < kLanes; ++i)
        if (i < wide) put(args.y.data + (c + i) * rows + r, square[i], high);
    }
  });
}

}  // namespace

template <>
void simd::transpose<KERNEL_LEVEL>(const Transpose<float>& args, Threads& threads) {
  transpose_bands(args, threads);
}

template <>
void simd::transpose<KERNEL_LEVEL>(const Transpose<Bfloat16>& args, Threads& threads) {
  transpose_bands(args, threads);
}

template <>
void simd::bfloat16_copy<KERNEL_LEVEL>(const Bfloat16Copy& args, Threads& threads) {
  const int64_t cols = args.x.extent[1];
  for_rows(threads, args.x.extent[0], cols, [&](int64_t r) {
    const float* x = args.x.data + r * cols;
    Bfloat16* y = args.y.data + r * cols;
    for_registers(cols, [&](int64_t c, int64_t count) { put(y + c, load(x + c, count), count); });
  });
}
