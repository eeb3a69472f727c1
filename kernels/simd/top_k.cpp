#include "kernels/top_k.h"

#include "kernels/simd/vector.h"

// A radix select. Scores become integer keys of the same order. The k-th largest key is found digit
// by digit from the top: each pass counts the next digit of those keys that share the digits known
// so far, and takes the digit in which the k-th lies. Nothing is collected on the way, so that no
// plateau of equal scores can overflow anything. A last pass writes the indices, in their order.
//
// Bound: four readings of the row, and one increment for each score in the first.

namespace {

struct Digit {
  int shift = 0;
  int bits = 0;
};
constexpr Digit kDigits[] = {{21, 11}, {10, 11}, {0, 10}};
constexpr int kBins = 1 << 11;

// -0 becomes 0 before its bits are read. Of negative numbers all bits are flipped, of others the
// sign alone.
Words keys_of(Floats x) {
  const Words bits = (Words)(x + 0.f);
  const Words negative = (Words)((Integers)bits >> 31);
  return bits ^ (negative | 0x80000000u);
}

// One bit for each lane whose comparison holds.
uint32_t lanes_where(Integers holds) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)holds);
#else
  return uint32_t(_mm256_movemask_ps((__m256)holds));
#endif
}

// Calls body(first index, keys, one bit for each lane that holds a score).
template <class Body>
void for_keys(const float* score, int64_t count, const Body& body) {
  for_registers(count, [&](int64_t i, int64_t n) {
    body(i, keys_of(load(score + i, n)), uint32_t((uint64_t(1) << n) - 1));
  });
}

bool any_nan(const float* score, int64_t count) {
  Integers nan = {};
  for_registers(count, [&](int64_t i, int64_t n) {
    const Floats x = load(score + i, n);
    nan |= x != x;
  });
  return lanes_where(nan) != 0;
}

// Scores are often of one size and so of one bin: several copies let their increments overlap.
class Histogram {
 public:
  void clear() { __builtin_memset(counts_, 0, sizeof counts_); }

  void add(Words bins, uint32_t lanes) {
    uint16_t bin[kLanes];
    const Halves narrow = __builtin_convertvector(bins, Halves);
    __builtin_memcpy(bin, &narrow, sizeof bin);
    constexpr uint32_t kFull = (uint64_t(1) << kLanes) - 1;
    if (lanes == kFull) {
#pragma GCC unroll 16
      for (int lane = 0; lane < kLanes; ++lane) ++counts_[lane % kCopies][bin[lane]];
      return;
    }
    for (; lanes != 0; lanes &= lanes - 1) {
      const int lane = __builtin_ctz(lanes);
      ++counts_[lane % kCopies][bin[lane]];
    }
  }

  // The bin that holds the `rank`-th largest; `rank` becomes the rank within it.
  uint32_t bin_of(int64_t& rank) const {
    for (int bin = kBins - 1; bin > 0; --bin) {
      int64_t count = 0;
      for (int copy = 0; copy < kCopies; ++copy) count += counts_[copy][bin];
      if (rank <= count) return uint32_t(bin);
      rank -= count;
    }
    return 0;
  }

 private:
  static constexpr int kCopies = 4;
  uint32_t counts_[kCopies][kBins];
};

// What is selected: all keys above `key`, and the first `equals` of those equal to it.
struct Threshold {
  uint32_t key = 0;
  int64_t equals = 0;
};

Threshold threshold_of(const float* score, int64_t count, int64_t k) {
  Histogram histogram;
  uint32_t known = 0;  // the digits so far
  int64_t rank = k;
  for (const Digit& digit : kDigits) {
    const int upper = digit.shift + digit.bits;
    const uint32_t mask = (1u << digit.bits) - 1;
    histogram.clear();
    for_keys(score, count, [&](int64_t, Words keys, uint32_t lanes) {
      if (upper < 32) lanes &= lanes_where(keys >> upper == known);
      histogram.add((keys >> digit.shift) & mask, lanes);
    });
    known = known << digit.bits | histogram.bin_of(rank);
  }
  return {known, rank};
}

// Writes the indices first + lane of the given lanes, in ascending order.
int32_t* put(int32_t* selected, int64_t first, uint32_t lanes) {
#if defined(__AVX512F__)
  const int count = __builtin_popcount(lanes);
  const Integers indices = lane_numbers() + int32_t(first);
  const __m512i packed = _mm512_maskz_compress_epi32(__mmask16(lanes), (__m512i)indices);
  // Compressing into memory is slow on Zen 4; and past the row's end stands the next one's result.
  _mm512_mask_storeu_epi32(selected, __mmask16((1u << count) - 1), packed);
  return selected + count;
#else
  for (; lanes != 0; lanes &= lanes - 1) *selected++ = int32_t(first) + __builtin_ctz(lanes);
  return selected;
#endif
}

void put_selected(const float* score, int64_t count, Threshold threshold, int32_t* selected) {
  int64_t equals = threshold.equals;
  for_keys(score, count, [&](int64_t i, Words keys, uint32_t lanes) {
    uint32_t take = lanes & lanes_where(keys > threshold.key);
    uint32_t equal = lanes & lanes_where(keys == threshold.key);
    for (; equal != 0 && equals > 0; equal &= equal - 1, --equals) take |= equal & -equal;
    selected = put(selected, i, take);
  });
}

int32_t select(const float* score, int32_t count, int32_t k, int32_t* selected) {
  if (any_nan(score, count)) return -1;
  if (count <= k) {
    for (int32_t i = 0; i < count; ++i) selected[i] = i;
    return count;
  }
  if (k > 0) put_selected(score, count, threshold_of(score, count, k), selected);
  return k;
}

}  // namespace

template <>
void simd::top_k<KERNEL_LEVEL>(const TopK& args, Threads& threads) {
  const int64_t columns = args.score.extent[1];
  assert(args.k >= 0 && args.selected.extent[1] >= args.k);
  for_rows(threads, args.score.extent[0], columns, [&](int64_t t) {
    const int32_t visible = args.visible.data[t];
    assert(0 <= visible && visible <= columns);
    if (visible == 0) return;
    args.found.data[t] = select(args.score.data + t * columns, visible, args.k,
                                args.selected.data + t * args.selected.extent[1]);
  });
}
