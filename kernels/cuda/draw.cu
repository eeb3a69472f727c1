// Drawing tokens, version 1: a block a row. Bound: bytes; a row is read some twenty times if a sum
// filters it, from the L2 cache after the first, and about six of these readings raise e to the
// power of most numbers, in double.
//
// Nothing is sorted. Logits become integers of the same order, and one walk over eight digits of
// four bits, the highest first, finds the logit at which a sum that falls through the row reaches
// its goal: a count for top_k, a share for top_p, a number for the draw itself. For each digit
// every thread sums what it meets of it, in the order of indices, and a warp sums the threads': an
// order that is the same for every row. Equal logits weigh the same, so the last step is a product.
// What the filters leave is always all above one logit and the first few that equal it: there is no
// buffer of candidates that could overflow.
#include <bit>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/order.h"

namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / cuda::kWarp;
constexpr int kDigitBits = 4;
constexpr int kDigits = 1 << kDigitBits;
static_assert(kDigits == kWarps, "a warp sums a digit");
constexpr int32_t kNone = 0x7FFFFFFF;
constexpr uint32_t kKeyOfNothing = 0x007FFFFF;  // of -infinity: no token

// Shared by the block.
struct Scratch {
  double sum[kDigits][kThreads];  // of each thread
  double of_digit[kDigits];
  double sum_of_warp[kWarps];
  uint32_t key_of_warp[kWarps];
  int32_t count_of_warp[kWarps];
  int32_t equal[kWarps];  // in each warp's part of the row
  int32_t token;
};

// Of which cuda::key_of makes this key.
__device__ float value_of(uint32_t key) {
  return std::bit_cast<float>((key & 0x80000000u) != 0 ? key & 0x7FFFFFFFu : ~key);
}

// Joins a number of each thread, in an order that never changes; all threads get the same bits.
template <class T, class Join>
__device__ T joined(T x, T* of_warp, const Join& join) {
  for (int mask = cuda::kWarp / 2; mask > 0; mask /= 2) x = join(x, cuda::shuffle_xor(x, mask));
  cuda::barrier();  // what was joined before may still be read
  if (cuda::thread() % cuda::kWarp == 0) of_warp[cuda::thread() / cuda::kWarp] = x;
  cuda::barrier();
  T all = of_warp[0];
  for (int w = 1; w < kWarps; ++w) all = join(all, of_warp[w]);
  return all;
}
template <class T>
__device__ T block_total(T x, T* of_warp) {
  return joined(x, of_warp, [](T a, T b) { return a + b; });
}

struct Row {
  const float* logits = nullptr;
  int32_t vocabulary = 0;
  double temperature = 1;
  uint32_t most = 0;  // the key of the largest logit
  double total = 0;   // of all weights
  int32_t count = 0;  // of all tokens

  __device__ double exponent(float logit) const {
    return (double(logit) - double(value_of(most))) / temperature;
  }
};

// What a token counts for: its weight relative to the likeliest, or one.
struct Weight {
  Row row;
  __device__ double operator()(float logit) const { return exp(row.exponent(logit)); }
};
struct One {
  __device__ double operator()(float) const { return 1; }
};

// When a sum is large enough.
struct Reaches {
  double goal;
  __device__ bool operator()(double sum) const { return sum >= goal; }
};
struct Passes {
  double goal;
  __device__ bool operator()(double sum) const { return sum > goal; }
};

// All tokens above a key, and the first `ties` of those at it.
struct Kept {
  uint32_t key = kKeyOfNothing;
  int32_t ties = 0;
};

// Looks at the row as it is. Returns the place of the first logit that is no number, or kNone.
__device__ int32_t look_over(Row& row, Scratch& scratch) {
  int32_t wrong = kNone, count = 0;
  uint32_t most = 0;
  for (int32_t i = cuda::thread(); i < row.vocabulary; i += kThreads) {
    const float x = row.logits[i];
    if (!(x < INFINITY)) {
      wrong = std::min(wrong, i);
    } else if (x > -INFINITY) {
      ++count;
      most = std::max(most, cuda::key_of(x));
    }
  }
  row.count = block_total(count, scratch.count_of_warp);
  row.most =
      joined(most, scratch.key_of_warp, [](uint32_t a, uint32_t b) { return a > b ? a : b; });
  return joined(wrong, scratch.count_of_warp, [](int32_t a, int32_t b) { return a < b ? a : b; });
}

// What is kept counts for in all.
template <class Measure>
__device__ double sum_of(const Row& row, Kept kept, const Measure& measure, Scratch& scratch) {
  double sum = 0;
  for (int32_t i = cuda::thread(); i < row.vocabulary; i += kThreads)
    if (cuda::key_of(row.logits[i]) > kept.key) sum += measure(row.logits[i]);
  sum = block_total(sum, scratch.sum_of_warp);
  return kept.ties > 0 ? sum + kept.ties * measure(value_of(kept.key)) : sum;
}

// Which of 32 logits have the key, a bit each.
__device__ uint32_t equal_at(const Row& row, int32_t i, int32_t end, uint32_t key) {
  return cuda::ballot(i < end && cuda::key_of(row.logits[i]) == key);
}

// Counts the logits with this key, in all and in each warp's part of the row.
__device__ int32_t count_equal(const Row& row, uint32_t key, Scratch& scratch) {
  const cuda::Part part = cuda::part_of(row.vocabulary);
  const int lane = cuda::thread() % cuda::kWarp;
  int32_t equal = 0;
  for (int32_t i = part.begin; i < part.end; i += cuda::kWarp)
    equal += std::popcount(equal_at(row, i + lane, part.end, key));
  cuda::barrier();  // an earlier count may still be read
  if (lane == 0) scratch.equal[cuda::thread() / cuda::kWarp] = equal;
  cuda::barrier();
  int32_t all = 0;
  for (int w = 0; w < kWarps; ++w) all += scratch.equal[w];
  return all;
}

// Sums what each digit counts for, of the tokens kept that agree with the digits found.
template <class Measure>
__device__ void sum_digits(const Row& row, Kept kept, uint32_t key, int shift,
                           const Measure& measure, Scratch& scratch) {
  const int thread = cuda::thread();
  const uint32_t known = shift + kDigitBits < 32 ? ~uint32_t(0) << (shift + kDigitBits) : 0;
  const auto digit_of = [shift](uint32_t k) { return int(k >> shift & (kDigits - 1)); };
  for (int d = 0; d < kDigits; ++d) scratch.sum[d][thread] = 0;
  for (int32_t i = thread; i < row.vocabulary; i += kThreads) {
    const uint32_t k = cuda::key_of(row.logits[i]);
    if (k > kept.key && (k & known) == key)
      scratch.sum[digit_of(k)][thread] += measure(row.logits[i]);
  }
  cuda::barrier();
  const int digit = thread / cuda::kWarp;
  double sum = 0;
  for (int t = thread % cuda::kWarp; t < kThreads; t += cuda::kWarp) sum += scratch.sum[digit][t];
  sum = cuda::warp_sum(sum);
  if (kept.ties > 0 && (kept.key & known) == key && digit_of(kept.key) == digit)
    sum += kept.ties * measure(value_of(kept.key));
  if (thread % cuda::kWarp == 0) scratch.of_digit[digit] = sum;
  cuda::barrier();
}

// Where a sum over the tokens kept, in order of falling logits, is enough: at the last of `ties`
// tokens with `key`. If rounding leaves it short, at the last token that counts.
template <class Measure, class Enough>
__device__ Kept descend(const Row& row, Kept kept, const Measure& measure, const Enough& enough,
                        Scratch& scratch) {
  uint32_t key = 0;
  double above = 0;  // the sum over all keys above those that begin as `key` does
  for (int shift = 32 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    sum_digits(row, kept, key, shift, measure, scratch);
    int chosen = 0;
    double before = above, sum = above;
    for (int d = kDigits - 1; d >= 0 && !enough(sum); --d) {
      if (!(scratch.of_digit[d] > 0)) continue;
      chosen = d;
      before = sum;
      sum += scratch.of_digit[d];
    }
    key |= uint32_t(chosen) << shift;
    above = before;
  }
  const double each = measure(value_of(key));
  const int32_t equal = count_equal(row, key, scratch);
  int32_t least = 1, most = key == kept.key ? kept.ties : equal;
  while (least < most) {
    const int32_t middle = least + (most - least) / 2;
    if (enough(above + middle * each))
      most = middle;
    else
      least = middle + 1;
  }
  return {.key = key, .ties = least};
}

// The tokens that are likely enough: e^x ascends, so that all from some key on are.
__device__ Kept without_unlikely(const Row& row, Kept kept, double min_p) {
  const Weight weight{row};
  uint32_t least = kKeyOfNothing + 1, most = row.most;  // which is likely enough
  while (least < most) {
    const uint32_t middle = least + (most - least) / 2;
    if (weight(value_of(middle)) >= min_p)
      most = middle;
    else
      least = middle + 1;
  }
  return least > kept.key ? Kept{.key = least - 1} : kept;
}

__device__ Kept filtered(const Row& row, const DrawRule& rule, Scratch& scratch) {
  if (rule.temperature == 0) return {.key = row.most, .ties = 1};
  Kept kept;
  double sum = row.total;
  if (rule.top_k > 0 && rule.top_k < row.count) {
    kept = descend(row, kept, One{}, Reaches{double(rule.top_k)}, scratch);
    sum = sum_of(row, kept, Weight{row}, scratch);
  }
  if (rule.top_p < 1) kept = descend(row, kept, Weight{row}, Reaches{rule.top_p * sum}, scratch);
  if (rule.min_p > 0) kept = without_unlikely(row, kept, rule.min_p);
  return kept;
}

// The index of the number-th logit with this key, counted from 1.
__device__ int32_t token_at(const Row& row, uint32_t key, int32_t number, Scratch& scratch) {
  count_equal(row, key, scratch);
  const cuda::Part part = cuda::part_of(row.vocabulary);
  const int lane = cuda::thread() % cuda::kWarp, warp = cuda::thread() / cuda::kWarp;
  int32_t before = 0;
  for (int w = 0; w < warp; ++w) before += scratch.equal[w];
  if (before < number && number <= before + scratch.equal[warp]) {
    for (int32_t i = part.begin; before < number; i += cuda::kWarp) {
      const uint32_t equal = equal_at(row, i + lane, part.end, key);
      const int32_t here = before + std::popcount(equal & ((1u << lane) - 1));
      if ((equal >> lane & 1) != 0 && here + 1 == number) scratch.token = i + lane;
      before += std::popcount(equal);
    }
  }
  cuda::barrier();
  return scratch.token;
}

__device__ void write_kept(const Row& row, Kept kept, Scratch& scratch, uint32_t* bits) {
  count_equal(row, kept.key, scratch);
  const cuda::Part part = cuda::part_of(row.vocabulary);
  const int lane = cuda::thread() % cuda::kWarp, warp = cuda::thread() / cuda::kWarp;
  int32_t before = 0;
  for (int w = 0; w < warp; ++w) before += scratch.equal[w];
  for (int32_t i = part.begin; i < part.end; i += cuda::kWarp) {
    const bool inside = i + lane < part.end;
    const uint32_t equal = equal_at(row, i + lane, part.end, kept.key);
    const int32_t here = before + std::popcount(equal & ((1u << lane) - 1));
    const bool tied = (equal >> lane & 1) != 0 && here < kept.ties;
    const bool above = inside && cuda::key_of(row.logits[i + lane]) > kept.key;
    const uint32_t word = cuda::ballot(above || tied);
    if (lane == 0) bits[i / cuda::kWarp] = word;
    before += std::popcount(equal);
  }
}

// grid: a block for each row   shared: Scratch
__global__ void draw_kernel(Draw args) {
  const int64_t t = cuda::block();
  const DrawRule rule = args.rule(t);
  Scratch& scratch = *reinterpret_cast<Scratch*>(cuda::shared_memory());
  Row row{.logits = args.logits.data + t * args.logits.extent[1],
          .vocabulary = int32_t(args.logits.extent[1]),
          .temperature = rule.temperature == 0 ? 1 : rule.temperature};
  DrawnRow drawn;
  const int32_t wrong = look_over(row, scratch);
  if (wrong != kNone || row.count == 0) {
    drawn.end = DrawnRow::End::NothingFinite;
    if (wrong != kNone) {
      const bool infinite = row.logits[wrong] == INFINITY;
      drawn.end = infinite ? DrawnRow::End::Infinite : DrawnRow::End::NaN;
      drawn.token = wrong;
    }
    if (cuda::thread() == 0) args.drawn(t) = drawn;
    return;
  }

  const Weight weight{row};
  row.total = sum_of(row, {}, weight, scratch);
  const Kept kept = filtered(row, rule, scratch);
  const bool all = kept.key == kKeyOfNothing;
  const double sum = all ? row.total : sum_of(row, kept, weight, scratch);
  Kept chosen{.key = row.most, .ties = 1};
  if (rule.temperature != 0) chosen = descend(row, kept, weight, Passes{rule.at * sum}, scratch);
  drawn.token = token_at(row, chosen.key, chosen.ties, scratch);
  drawn.count = all ? row.count : int32_t(sum_of(row, kept, One{}, scratch));
  drawn.log_probability = float(row.exponent(value_of(chosen.key)) - log(row.total));
  drawn.log_kept = float(log(sum / row.total));
  if (cuda::thread() == 0) args.drawn(t) = drawn;
  if (rule.keep == DrawRule::Keep::Yes)
    write_kept(row, kept, scratch, args.kept.data + t * args.kept.extent[1]);
}

}  // namespace

void cuda::draw(const Draw& args, Stream stream) {
  launch(stream, draw_kernel,
         {.blocks = args.logits.extent[0],
          .threads = kThreads,
          .shared_bytes = int64_t(sizeof(Scratch))},
         args);
}
