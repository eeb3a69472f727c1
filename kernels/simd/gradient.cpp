#include "kernels/gradient.h"

#include "kernels/simd/vector.h"

// Training's kernels on registers. Each row is one thread's; sums run over lanes first.

namespace {

inline Floats sigmoid(Floats x) { return 1.f / (exponential(-x) + 1.f); }

}  // namespace

template <>
void simd::swiglu_backward<KERNEL_LEVEL>(const SwiGluBackward<float>& args, Threads& threads) {
  const int64_t dim = args.gate.extent[1];
  for_rows(threads, args.gate.extent[0], dim, [&](int64_t t) {
    const int64_t row = t * dim;
    for_registers(dim, [&](int64_t c, int64_t count) {
      const int64_t at = row + c;
      const Floats gate = load(args.gate.data + at, count), up = load(args.up.data + at, count);
      const Floats ds = load(args.ds.data + at, count);
      const Floats s = sigmoid(gate), silu = gate * s;
      store(args.dgate.data + at, ds * up * s * fused(gate, 1.f - s, all(1)), count);
      store(args.dup.data + at, ds * silu, count);
      store(args.s.data + at, silu * up, count);
    });
  });
}

namespace {

void norm_row(const RmsNormBackward<float>& args, int64_t t, float* partial) {
  const int64_t dim = args.x.extent[1];
  const float *x = args.x.data + t * dim, *dy = args.dy.data + t * dim;
  const float* weight = args.weight.data;
  float* dx = args.dx.data + t * dim;
  Floats squares = all(0), product = all(0);
  for_registers(dim, [&](int64_t c, int64_t count) {
    const Floats at = load(x + c, count);
    squares = fused(at, at, squares);
    product = fused(load(weight + c, count) * load(dy + c, count), at, product);
  });
  const float r = 1 / __builtin_sqrtf(sum_of_lanes(squares) / float(dim) + args.epsilon);
  const float factor = sum_of_lanes(product) * r * r * r / float(dim);
  const bool adds = args.result == RmsNormBackward<float>::Result::Added;
  for_registers(dim, [&](int64_t c, int64_t count) {
    const Floats at = load(x + c, count), slope = load(dy + c, count) * r;
    store(partial + c, fused(slope, at, load(partial + c, count)), count);
    const Floats result = slope * load(weight + c, count) - at * factor;
    store(dx + c, adds ? load(dx + c, count) + result : result, count);
  });
}

}  // namespace

template <>
void simd::rms_norm_backward<KERNEL_LEVEL>(const RmsNormBackward<float>& args, Threads& threads) {
  const int64_t tokens = args.x.extent[0], dim = args.x.extent[1];
  constexpr int64_t kTokens = RmsNormBackward<float>::kTokens;
  for_rows(threads, (tokens + kTokens - 1) / kTokens, kTokens * dim, [&](int64_t part) {
    float* partial = args.partial.data + part * dim;
    for (int64_t c = 0; c < dim; ++c) partial[c] = 0;
    for (int64_t t = part * kTokens; t < tokens && t < (part + 1) * kTokens; ++t)
      norm_row(args, t, partial);
  });
}

template <>
void simd::combine_backward<KERNEL_LEVEL>(const CombineBackward<float>& args, Threads& threads) {
  const int64_t dim = args.dy.extent[1], chosen = args.slot.extent[1];
  for_rows(threads, args.dy.extent[0], dim * chosen, [&](int64_t t) {
    const float* dy = args.dy.data + t * dim;
    for (int64_t j = 0; j < chosen; ++j) {
      const int64_t slot = args.slot.data[t * chosen + j];
      const float *x = args.x.data + slot * dim, weight = args.weight.data[t * chosen + j];
      float* dx = args.dx.data + slot * dim;
      Floats dot = all(0);
      for_registers(dim, [&](int64_t c, int64_t count) {
        const Floats slope = load(dy + c, count);
        dot = fused(slope, load(x + c, count), dot);
        store(dx + c, slope * weight, count);
      });
      args.dweight.data[t * chosen + j] = sum_of_lanes(dot);
    }
  });
}

namespace {

// All bits in the lanes of ids c ... c + count - 1 that are kept, none in the others.
inline Integers kept_lanes(const uint64_t* kept, int64_t c, int64_t count) {
  const Integers there = lane_numbers() < int32_t(count);
  if (kept == nullptr) return there;
  const int32_t bits = int32_t(kept[c / 64] >> (c % 64) & ((1u << kLanes) - 1));
  return there & (((bits >> lane_numbers()) & 1) != 0);
}

constexpr float kLowest = -3e38f;  // of ids that do not count: finite, so that 0 times it is 0

inline Floats load_kept(const float* logits, const uint64_t* kept, int64_t c, int64_t count) {
  return kept_lanes(kept, c, count) ? load(logits + c, count) : all(kLowest);
}

float largest_logit(const float* logits, const uint64_t* kept, int64_t ids) {
  Floats largest = all(kLowest);
  for_registers(ids, [&](int64_t c, int64_t count) {
    const Floats x = load_kept(logits, kept, c, count);
    largest = x > largest ? x : largest;
  });
  float most = largest[0];
  for (int lane = 1; lane < kLanes; ++lane)
    if (largest[lane] > most) most = largest[lane];
  return most;
}

void cross_entropy_row(const CrossEntropy<float>& args, int64_t t, const uint64_t* kept) {
  const int64_t ids = args.logits.extent[1];
  const float* logits = args.logits.data + t * ids;
  const float most = largest_logit(logits, kept, ids);
  Floats sums = all(0), means = all(0);
  for_registers(ids, [&](int64_t c, int64_t count) {
    const Floats below = load(logits + c, count) - most;
    const Floats share = kept_lanes(kept, c, count) ? exponential(below) : all(0);
    sums += share;
    means += share == 0.f ? all(0) : share * below;
  });
  const float sum = sum_of_lanes(sums), log_sum = __builtin_logf(sum);
  args.log_sum.data[t] = most + log_sum;
  args.log_probability.data[t] = logits[args.target.data[t]] - most - log_sum;
  args.entropy.data[t] = log_sum - sum_of_lanes(means) / sum;
}

}  // namespace

template <>
void simd::cross_entropy<KERNEL_LEVEL>(const CrossEntropy<float>& args, Threads& threads) {
  const int64_t ids = args.logits.extent[1];
  for_rows(threads, args.logits.extent[0], ids, [&](int64_t t) {
    if (args.target.data[t] >= 0) {
      const uint64_t* kept = args.kept.data;
      return cross_entropy_row(args, t, kept == nullptr ? kept : kept + t * args.kept.extent[1]);
    }
    args.log_sum.data[t] = args.log_probability.data[t] = args.entropy.data[t] = 0;
  });
}

template <>
void simd::cross_entropy_backward<KERNEL_LEVEL>(const CrossEntropyBackward<float>& args,
                                                Threads& threads) {
  const int64_t ids = args.logits.extent[1];
  for_rows(threads, args.logits.extent[0], ids, [&](int64_t t) {
    const int32_t target = args.target.data[t];
    const uint64_t* kept = args.kept.data;
    if (kept != nullptr) kept += t * args.kept.extent[1];
    const float* logits = args.logits.data + t * ids;
    float* dlogits = args.dlogits.data + t * ids;
    const float factor = target < 0 ? 0 : args.coefficient.data[t], log_sum = args.log_sum.data[t];
    for_registers(ids, [&](int64_t c, int64_t count) {
      const Integers counts = target < 0 ? Integers{} : kept_lanes(kept, c, count);
      const Floats share = exponential(load(logits + c, count) - log_sum);
      store(dlogits + c, counts ? share * factor : all(0), count);
    });
    if (target >= 0) dlogits[target] -= factor;
  });
}
