// The best scores of each token of whole documents, for training. Scores become integer keys of the
// same order, and the k-th largest is found bit by bit from the top, by counting the keys at or
// above a candidate: rows are of some hundreds or thousands of keys, so that each count is a short
// loop over the first-level cache, and most rows are decided after half of the bits.
#include "kernels/documents.h"

#include "kernels/simd/document_tiles.h"

namespace {

// As in kernels/simd/top_k.cpp: -0 becomes 0 before its bits are read; of negative numbers all bits
// are flipped, of others the sign alone. No number's key is 0.
Words keys_of(Floats x) {
  const Words bits = (Words)(x + 0.f);
  const Words negative = (Words)((Integers)bits >> 31);
  return bits ^ (negative | 0x80000000u);
}

int64_t sum_of(Integers x) {
  int64_t sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += x[lane];
  return sum;
}

bool load_keys(const float* score, int64_t count, uint32_t* keys) {
  Integers nan = {};
  for_registers(count, [&](int64_t i, int64_t n) {
    const Floats x = load(score + i, n);
    nan |= x != x;
    Words key = keys_of(x);
    if (n < kLanes) key = lane_numbers() < int32_t(n) ? key : Words{};
    __builtin_memcpy(keys + i, &key, sizeof key);
  });
  return sum_of(nan) == 0;
}

int64_t count_at_least(const uint32_t* keys, int64_t count, uint32_t least) {
  Integers found = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    Words key;
    __builtin_memcpy(&key, keys + i, sizeof key);
    found -= key >= least;
  }
  return sum_of(found);
}

// The largest key with at least k keys at or above it, or one between it and the next lower.
uint32_t threshold_of(const uint32_t* keys, int64_t count, int64_t k) {
  uint32_t known = 0;
  for (int bit = 31; bit >= 0; --bit) {
    const uint32_t candidate = known | 1u << bit;
    const int64_t above = count_at_least(keys, count, candidate);
    if (above >= k) known = candidate;
    if (above == k) break;
  }
  return known;
}

int32_t select(const float* score, int32_t count, int32_t k, uint32_t* keys, int32_t* selected) {
  if (!load_keys(score, count, keys)) return -1;
  if (count <= k) {
    for (int32_t i = 0; i < count; ++i) selected[i] = i;
    return count;
  }
  if (k == 0) return 0;
  const uint32_t threshold = threshold_of(keys, count, k);
  int64_t equals = k - count_at_least(keys, count, threshold + 1);
  for (int32_t i = 0, found = 0; found < k; ++i) {
    if (keys[i] < threshold) continue;
    if (keys[i] == threshold && equals-- <= 0) continue;
    selected[found++] = i;
  }
  return k;
}

}  // namespace

template <>
void simd::document_top_k<KERNEL_LEVEL>(const DocumentTopK<float>& args, Threads& threads) {
  const DocumentKeys& keys = args.keys;
  threads.run(keys.first.extent[0] - 1, [&](int64_t document) {
    static thread_local Scratch scratch;
    const int64_t first = keys.first.data[document];
    const int64_t tokens = keys.first.data[document + 1] - first;
    uint32_t* room = scratch.numbers<uint32_t>(std::size_t(rounded_up(tokens, kLanes)));
    for (int64_t i = 0; i < tokens; ++i)
      args.found.data[first + i] =
          select(args.score.data + keys.row.data[first + i], int32_t(i + 1), args.k, room,
                 args.selected.data + (first + i) * args.selected.extent[1]);
  });
}
