#include "kernels/quantise.h"

#include "kernels/simd/float8.h"

namespace {

// Lane i gets lane i ^ bit.
template <int bit, int... lane>
Floats partners(Floats x, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(x, x, (lane ^ bit)...);
}

// One stage of the butterfly between the lanes of a register: (a, b) becomes (a + b, a - b).
template <int bit>
Floats stage_within(Floats x) {
  const Integers negative = (lane_numbers() & bit) != 0;
  const Floats signed_x = (Floats)((Words)x ^ ((Words)negative & 0x80000000u));
  return partners<bit>(x, LaneNumbers()) + signed_x;
}

void stages_within(float* x) {
  Floats v = load(x, kLanes);
  v = stage_within<1>(v);
  v = stage_within<2>(v);
  v = stage_within<4>(v);
  if constexpr (kLanes == 16) v = stage_within<8>(v);
  store(x, v, kLanes);
}

// The stages of pairs (j, j + half) for half = from, 2 * from, ... below dim; from >= kLanes.
void stages_between(float* x, int64_t dim, int64_t from) {
  for (int64_t half = from; half < dim; half *= 2) {
    for (int64_t first = 0; first < dim; first += 2 * half) {
      for (int64_t j = first; j < first + half; j += kLanes) {
        const Floats a = load(x + j, kLanes), b = load(x + j + half, kLanes);
        store(x + j, a + b, kLanes);
        store(x + j + half, a - b, kLanes);
      }
    }
  }
}

void transform_small(float* x, int64_t dim) {
  for (int64_t half = 1; half < dim; half *= 2) {
    for (int64_t j = 0; j < dim; ++j) {
      if ((j & half) != 0) continue;
      const float a = x[j], b = x[j + half];
      x[j] = a + b;
      x[j + half] = a - b;
    }
  }
}

}  // namespace

template <>
void simd::hadamard<KERNEL_LEVEL>(const Hadamard& args, Threads& threads) {
  const int64_t dim = args.x.extent[1];
  assert(dim > 0 && (dim & (dim - 1)) == 0);
  const Floats scale = all(float(1 / __builtin_sqrt(double(dim))));
  for_rows(threads, args.x.extent[0], dim, [&](int64_t v) {
    float* x = args.x.data + v * dim;
    if (dim < kLanes) {
      transform_small(x, dim);
    } else {
      for (int64_t j = 0; j < dim; j += kLanes) stages_within(x + j);
      stages_between(x, dim, kLanes);
    }
    for_registers(
        dim, [&](int64_t j, int64_t count) { store(x + j, load(x + j, count) * scale, count); });
  });
}

template <>
void simd::simulate_float8<KERNEL_LEVEL>(const SimulateFloat8& args, Threads& threads) {
  const int64_t dim = args.x.extent[1], group = args.group;
  assert(group > 0 && dim % group == 0);
  for_rows(threads, args.x.extent[0], dim, [&](int64_t v) {
    for (int64_t first = 0; first < dim; first += group) {
      float* x = args.x.data + v * dim + first;
      float s = largest(x, group, args.amax_least) / kFloat8Most;
      if (args.scale == SimulateFloat8::Scale::PowerOfTwo) s = power_of_two_above(s);
      for_registers(group, [&](int64_t i, int64_t count) {
        store(x + i, rounded_to_float8(clamped(load(x + i, count) / s)) * s, count);
      });
    }
  });
}

template <>
void simd::round_to_bfloat16<KERNEL_LEVEL>(const RoundToBfloat16& args, Threads& threads) {
  const int64_t dim = args.x.extent[1];
  for_rows(threads, args.x.extent[0], dim, [&](int64_t v) {
    float* x = args.x.data + v * dim;
    for_registers(dim, [&](int64_t c, int64_t count) {
      store(x + c, (Floats)(bfloat16_bits(load(x + c, count)) << 16), count);
    });
  });
}
