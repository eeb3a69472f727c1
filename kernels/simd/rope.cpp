#include "kernels/rope.h"

#include "kernels/simd/vector.h"

namespace {

// For neighbouring pairs the table has the layout of x: cosines in even lanes, sines in odd ones.
void turn_interleaved(float* x, const float* table, int64_t dim) {
  for_registers(dim, [&](int64_t d, int64_t count) {
    const Floats ab = load(x + d, count), turn = load(table + d, count);
#if defined(__AVX512F__)
    const Floats cos = _mm512_moveldup_ps(turn), sin = _mm512_movehdup_ps(turn);
    const Floats ba = _mm512_permute_ps(ab, 0xB1);
    store(x + d, _mm512_fmaddsub_ps(ab, cos, ba * sin), count);  // - in even lanes, + in odd ones
#else
    const Floats cos = _mm256_moveldup_ps(turn), sin = _mm256_movehdup_ps(turn);
    const Floats ba = _mm256_permute_ps(ab, 0xB1);
    store(x + d, _mm256_fmaddsub_ps(ab, cos, ba * sin), count);
#endif
  });
}

// Every second number of two registers, from the first on.
template <int... lane>
Floats evens(Floats low, Floats high, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(low, high, (2 * lane)...);
}

// From the second on.
template <int... lane>
Floats odds(Floats low, Floats high, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(low, high, (2 * lane + 1)...);
}

void turn_half_split(float* x, const float* table, int64_t dim) {
  for_registers(dim / 2, [&](int64_t i, int64_t count) {
    const int64_t upper = 2 * count - kLanes;
    const Floats low = load(table + 2 * i, 2 * count);
    const Floats high = upper > 0 ? load(table + 2 * i + kLanes, upper) : all(0);
    const Floats cos = evens(low, high, LaneNumbers()), sin = odds(low, high, LaneNumbers());
    const Floats a = load(x + i, count), b = load(x + dim / 2 + i, count);
    store(x + i, fused(a, cos, -(b * sin)), count);
    store(x + dim / 2 + i, fused(b, cos, a * sin), count);
  });
}

}  // namespace

template <>
void simd::rope<KERNEL_LEVEL>(const Rope& args, Threads& threads) {
  const int64_t heads = args.x.extent[1], width = args.x.extent[2];
  for_rows(threads, args.x.extent[0], heads * args.dim, [&](int64_t t) {
    const int32_t position = args.position.data[t];
    assert(0 <= position && position < args.table.extent[0]);
    const float* table = args.table.data + position * args.dim;
    for (int64_t h = 0; h < heads; ++h) {
      float* x = args.x.data + (t * heads + h) * width + args.first;
      if (args.pairs == RopePairs::Interleaved) {
        turn_interleaved(x, table, args.dim);
      } else {
        turn_half_split(x, table, args.dim);
      }
    }
  });
}
