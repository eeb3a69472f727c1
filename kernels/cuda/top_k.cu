// Exact top-k, version 1: a block a row. Bound: bytes; the row is read seven times, from the L2
// cache after the first.
//
// Scores become integers of the same order. Four passes find the k-th largest from its highest
// digit to its lowest: each counts how many scores have which next digit, among those that agree
// with the digits found. Counts are sums of integers, so atomics decide nothing. Then each warp
// counts what its part of the row holds above and at the k-th largest, and writes its choice behind
// that of the parts before it. There is no buffer of candidates that could overflow.
#include <bit>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/order.h"

namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / cuda::kWarp;
constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;

// Shared by the block.
struct Scratch {
  int32_t count[kDigits];
  int32_t above[kWarps], equal[kWarps];  // in each warp's part of the row
  int32_t has_nan;
  uint32_t key;    // the digits found; the k-th largest in the end
  int32_t wanted;  // how many of those that agree with `key` are selected
};

__device__ void look_for_nan(const float* row, int32_t visible, Scratch& scratch) {
  if (cuda::thread() == 0) scratch.has_nan = 0;
  cuda::barrier();
  bool found = false;
  for (int32_t i = cuda::thread(); i < visible; i += kThreads) found = found || row[i] != row[i];
  if (found) cuda::add_shared(&scratch.has_nan, 1);
  cuda::barrier();
}

// The next digit, from the counts of each.
__device__ void take_digit(Scratch& scratch, int shift) {
  int32_t digit = kDigits - 1;
  while (scratch.count[digit] < scratch.wanted) scratch.wanted -= scratch.count[digit--];
  scratch.key |= uint32_t(digit) << shift;
}

// Finds scratch.key and scratch.wanted. REQUIRES: 0 < k < visible.
__device__ void find_kth(const float* row, int32_t visible, int32_t k, Scratch& scratch) {
  if (cuda::thread() == 0) scratch.key = 0, scratch.wanted = k;
  uint32_t known = 0;  // the bits found so far
  for (int shift = 32 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    for (int i = cuda::thread(); i < kDigits; i += kThreads) scratch.count[i] = 0;
    cuda::barrier();
    const uint32_t found = scratch.key;
    for (int32_t i = cuda::thread(); i < visible; i += kThreads) {
      const uint32_t key = cuda::key_of(row[i]);
      if ((key & known) == found) cuda::add_shared(&scratch.count[key >> shift & (kDigits - 1)], 1);
    }
    cuda::barrier();
    if (cuda::thread() == 0) take_digit(scratch, shift);
    known |= uint32_t(kDigits - 1) << shift;
    cuda::barrier();
  }
}

// What 32 scores are, a bit each.
struct Marks {
  uint32_t above = 0, equal = 0;
};
__device__ Marks marks_at(const float* row, int32_t i, int32_t end, uint32_t kth) {
  const uint32_t key = i < end ? cuda::key_of(row[i]) : 0;
  return {.above = cuda::ballot(i < end && key > kth),
          .equal = cuda::ballot(i < end && key == kth)};
}

__device__ void count_part(const float* row, cuda::Part part, Scratch& scratch) {
  const int lane = cuda::thread() % cuda::kWarp, warp = cuda::thread() / cuda::kWarp;
  int32_t above = 0, equal = 0;
  for (int32_t i = part.begin; i < part.end; i += cuda::kWarp) {
    const Marks marks = marks_at(row, i + lane, part.end, scratch.key);
    above += std::popcount(marks.above);
    equal += std::popcount(marks.equal);
  }
  if (lane == 0) scratch.above[warp] = above, scratch.equal[warp] = equal;
}

__device__ void write_part(const float* row, cuda::Part part, const Scratch& scratch,
                           int32_t* selected) {
  const int lane = cuda::thread() % cuda::kWarp, warp = cuda::thread() / cuda::kWarp;
  int32_t above = 0, equal = 0;  // before i
  for (int w = 0; w < warp; ++w) above += scratch.above[w], equal += scratch.equal[w];
  const uint32_t before = (1u << lane) - 1;
  for (int32_t i = part.begin; i < part.end; i += cuda::kWarp) {
    const Marks marks = marks_at(row, i + lane, part.end, scratch.key);
    const int32_t above_here = above + std::popcount(marks.above & before);
    const int32_t equal_here = equal + std::popcount(marks.equal & before);
    const bool is_above = (marks.above >> lane & 1) != 0;
    const bool is_equal = (marks.equal >> lane & 1) != 0;
    if (is_above || (is_equal && equal_here < scratch.wanted))
      selected[above_here + std::min(equal_here, scratch.wanted)] = i + lane;
    above += std::popcount(marks.above);
    equal += std::popcount(marks.equal);
  }
}

// grid: a block for each row   shared: Scratch
__global__ void top_k_kernel(TopK args) {
  const auto& [score, seen, k, selected, found] = args;
  const int64_t t = cuda::block();
  const int32_t visible = seen(t);
  if (visible == 0) return;
  const float* row = score.data + t * score.extent[1];
  int32_t* chosen = selected.data + t * selected.extent[1];
  Scratch& scratch = *reinterpret_cast<Scratch*>(cuda::shared_memory());

  look_for_nan(row, visible, scratch);
  const bool has_nan = scratch.has_nan != 0;
  if (cuda::thread() == 0) found(t) = has_nan ? -1 : std::min(k, visible);
  if (has_nan || k == 0) return;
  if (visible <= k) {
    for (int32_t i = cuda::thread(); i < visible; i += kThreads) chosen[i] = i;
    return;
  }
  find_kth(row, visible, k, scratch);
  const cuda::Part part = cuda::part_of(visible);
  count_part(row, part, scratch);
  cuda::barrier();
  write_part(row, part, scratch, chosen);
}

}  // namespace

void cuda::top_k(const TopK& args, Stream stream) {
  launch(stream, top_k_kernel,
         {.blocks = args.score.extent[0],
          .threads = kThreads,
          .shared_bytes = int64_t(sizeof(Scratch))},
         args);
}
