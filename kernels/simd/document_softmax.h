#pragma once

#include "kernels/simd/vector.h"

// Private to kernels/simd: the softmax of a row of numbers, in place.
namespace {

struct Softmax {
  float largest, reciprocal;  // of the sum of exponentials
};

inline Softmax softmax_of(const float* x, int64_t count) {
  Floats most = all(x[0]);
  for_registers(count, [&](int64_t i, int64_t n) {
    Floats part = load(x + i, n);
    if (n < kLanes) part = lane_numbers() < int32_t(n) ? part : most;
    most = part > most ? part : most;
  });
  float largest = most[0];
  for (int lane = 1; lane < kLanes; ++lane) largest = most[lane] > largest ? most[lane] : largest;
  return {largest, 0};
}

// x = exp(x - largest), and the reciprocal of their sum.
inline void exponentiate(float* x, int64_t count, Softmax& softmax) {
  Floats sum = {};
  for_registers(count, [&](int64_t i, int64_t n) {
    Floats e = exponential(load(x + i, n) - softmax.largest);
    if (n < kLanes) e = lane_numbers() < int32_t(n) ? e : Floats{};
    sum += e;
    store(x + i, e, n);
  });
  softmax.reciprocal = 1 / sum_of_lanes(sum);
}

inline void scale(float* x, int64_t count, float factor) {
  for_registers(count, [&](int64_t i, int64_t n) { store(x + i, load(x + i, n) * factor, n); });
}

// to += x * factor.
inline void add_scaled(const float* x, int64_t count, float factor, float* to) {
  for_registers(count, [&](int64_t i, int64_t n) {
    store(to + i, fused(load(x + i, n), all(factor), load(to + i, n)), n);
  });
}

// p = exp(score - largest) * reciprocal: the bits that the two functions above give.
inline void probabilities_again(float* x, int64_t count, const Softmax& softmax) {
  for_registers(count, [&](int64_t i, int64_t n) {
    store(x + i, exponential(load(x + i, n) - softmax.largest) * softmax.reciprocal, n);
  });
}

// dp = p * (dp - sum p dp).
inline void softmax_gradient(const float* p, int64_t count, float* dp) {
  Floats sum = {};
  for_registers(count,
                [&](int64_t i, int64_t n) { sum = fused(load(p + i, n), load(dp + i, n), sum); });
  const float mean = sum_of_lanes(sum);
  for_registers(count, [&](int64_t i, int64_t n) {
    store(dp + i, load(p + i, n) * (load(dp + i, n) - mean), n);
  });
}

}  // namespace
