#include "kernels/norm.h"

#include "kernels/simd/vector.h"

// Sums are in double, as in the twin: they are few beside a layer's products, and no square
// overflows. Lane l takes the numbers l, l + kLanes, ...; then lanes are added in ascending order.

namespace {

struct Wide {
  Doubles low = {}, high = {};  // the lower and the upper lanes
};

Wide widen(Floats x) {
#if defined(__AVX512F__)
  return {_mm512_cvtps_pd(_mm512_castps512_ps256(x)),
          _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1))};
#else
  return {_mm256_cvtps_pd(_mm256_castps256_ps128(x)), _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1))};
#endif
}

Floats narrow(const Wide& x) {
#if defined(__AVX512F__)
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(x.low)), _mm512_cvtpd_ps(x.high),
                            1);
#else
  return _mm256_set_m128(_mm256_cvtpd_ps(x.high), _mm256_cvtpd_ps(x.low));
#endif
}

double total(const Wide& x) {
  double sum = 0;
  for (int lane = 0; lane < kLanes / 2; ++lane) sum += x.low[lane];
  for (int lane = 0; lane < kLanes / 2; ++lane) sum += x.high[lane];
  return sum;
}

double sum_of(const float* x, int64_t dim) {
  Wide sum;
  int64_t c = 0;
  for (; c + kLanes <= dim; c += kLanes) {
    const Wide wide = widen(load(x + c, kLanes));
    sum.low += wide.low;
    sum.high += wide.high;
  }
  double rest = 0;
  for (; c < dim; ++c) rest += x[c];
  return total(sum) + rest;
}

// The sum of (x - mean)^2.
double squares_of(const float* x, int64_t dim, double mean) {
  Wide sum;
  int64_t c = 0;
  for (; c + kLanes <= dim; c += kLanes) {
    const Wide wide = widen(load(x + c, kLanes));
    sum.low += (wide.low - mean) * (wide.low - mean);
    sum.high += (wide.high - mean) * (wide.high - mean);
  }
  double rest = 0;
  for (; c < dim; ++c) rest += (x[c] - mean) * (x[c] - mean);
  return total(sum) + rest;
}

}  // namespace

template <>
void simd::rms_norm<KERNEL_LEVEL>(const RmsNorm& args, Threads& threads) {
  const int64_t dim = args.x.extent[1];
  for_rows(threads, args.x.extent[0], dim, [&](int64_t t) {
    const float* x = args.x.data + t * dim;
    float* y = args.y.data + t * dim;
    const Floats scale =
        all(float(1 / __builtin_sqrt(squares_of(x, dim, 0) / double(dim) + args.epsilon)));
    for_registers(dim, [&](int64_t c, int64_t count) {
      store(y + c, load(x + c, count) * scale * load(args.weight.data + c, count), count);
    });
  });
}

template <>
void simd::layer_norm<KERNEL_LEVEL>(const LayerNorm& args, Threads& threads) {
  const int64_t dim = args.x.extent[1];
  for_rows(threads, args.x.extent[0], dim, [&](int64_t t) {
    const float* x = args.x.data + t * dim;
    float* y = args.y.data + t * dim;
    const double mean = sum_of(x, dim) / double(dim);
    const double scale = 1 / __builtin_sqrt(squares_of(x, dim, mean) / double(dim) + args.epsilon);
    for_registers(dim, [&](int64_t c, int64_t count) {
      Wide wide = widen(load(x + c, count));
      wide.low = (wide.low - mean) * scale;
      wide.high = (wide.high - mean) * scale;
      const Floats normed = narrow(wide) * load(args.weight.data + c, count);
      store(y + c, normed + load(args.bias.data + c, count), count);
    });
  });
}
