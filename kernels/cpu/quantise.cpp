#include "kernels/quantise.h"

#include <bit>
#include <cmath>
#include <vector>

#include "kernels/number.h"

// Unlike sums, roundings have one right answer: the fast versions of simulate_float8 and
// round_to_bfloat16 give these bits.

namespace {

// A NaN is no largest number; an infinite one makes the scale infinite and so all of its group NaN.
float scale_of(View<const float, 1> group, float amax_least, SimulateFloat8::Scale scale) {
  float amax = amax_least;
  for (int64_t i = 0; i < group.extent[0]; ++i)
    if (std::fabs(group(i)) > amax) amax = std::fabs(group(i));
  const float s = amax / kFloat8Most;
  return scale == SimulateFloat8::Scale::PowerOfTwo ? raised_to_power_of_two(s) : s;
}

}  // namespace

void cpu::hadamard(const Hadamard& args) {
  const auto& x = args.x;
  const auto [vectors, dim] = x.extent;
  assert(std::has_single_bit(uint64_t(dim)));
  std::vector<double> sums(dim);
  for (int64_t v = 0; v < vectors; ++v) {
    for (int64_t i = 0; i < dim; ++i) {
      sums[i] = 0;
      for (int64_t j = 0; j < dim; ++j)
        sums[i] += std::popcount(uint64_t(i & j)) % 2 == 0 ? x(v, j) : -x(v, j);
    }
    for (int64_t i = 0; i < dim; ++i) x(v, i) = float(sums[i] / std::sqrt(double(dim)));
  }
}

void cpu::simulate_float8(const SimulateFloat8& args) {
  const auto& [x, group, amax_least, scale] = args;
  assert(group > 0 && x.extent[1] % group == 0);
  const View<float, 2> groups = {x.data, {x.size() / group, group}};
  for (int64_t g = 0; g < groups.extent[0]; ++g) {
    const float s = scale_of(groups[g], amax_least, scale);
    for (int64_t i = 0; i < group; ++i)
      groups(g, i) = to_float(to_float8(clamped_to_float8(groups(g, i) / s))) * s;
  }
}

void cpu::round_to_bfloat16(const RoundToBfloat16& args) {
  for (int64_t i = 0; i < args.x.size(); ++i)
    args.x.data[i] = to_float(to_bfloat16(args.x.data[i]));
}
