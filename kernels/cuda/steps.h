#pragma once

// What a block or a warp does to one vector. Separate kernels and fused ones are made of the same
// steps, so that both give the same bits.

#include "kernels/cuda/launch.h"

namespace cuda {

// By a block: y = x * rsqrt(mean(x^2) + epsilon) * weight; y may be x. `partial`: shared, a number
// for each warp. Each thread writes every threads()-th number, from its own on.
__device__ inline void rms_norm_vector(const float* x, int64_t dim, const float* weight,
                                       float epsilon, float* partial, float* y) {
  float squares = 0;
  for (int64_t c = thread(); c < dim; c += threads()) squares = fmaf(x[c], x[c], squares);
  squares = block_sum(squares, partial);
  const float scale = 1 / sqrtf(squares / float(dim) + epsilon);
  for (int64_t c = thread(); c < dim; c += threads()) y[c] = x[c] * scale * weight[c];
}

// By a block, as above: y = (x - mean) * rsqrt(variance + epsilon) * weight + bias.
__device__ inline void layer_norm_vector(const float* x, int64_t dim, const float* weight,
                                         const float* bias, float epsilon, float* partial,
                                         float* y) {
  float sum = 0;
  for (int64_t c = thread(); c < dim; c += threads()) sum += x[c];
  const float mean = block_sum(sum, partial) / float(dim);
  float squares = 0;
  for (int64_t c = thread(); c < dim; c += threads())
    squares = fmaf(x[c] - mean, x[c] - mean, squares);
  squares = block_sum(squares, partial);
  const float scale = 1 / sqrtf(squares / float(dim) + epsilon);
  for (int64_t c = thread(); c < dim; c += threads())
    y[c] = fmaf((x[c] - mean) * scale, weight[c], bias[c]);
}

// By a thread: turns pair i of the `dim` numbers from x on.
__device__ inline void turn_pair(float* x, int64_t dim, int64_t i, RopePairs pairs, float cos,
                                 float sin) {
  const bool interleaved = pairs == RopePairs::Interleaved;
  float& a = x[interleaved ? 2 * i : i];
  float& b = x[interleaved ? 2 * i + 1 : i + dim / 2];
  const float turned_a = fmaf(a, cos, -(b * sin)), turned_b = fmaf(b, cos, a * sin);
  a = turned_a;
  b = turned_b;
}

// By a block: Hadamard's transform of x, in shared memory: log2(dim) rounds in which each pair
// (a, b) becomes (a + b, a - b). Begins with a barrier; a thread has its own numbers at once.
__device__ inline void transform_vector(float* x, int64_t dim) {
  for (int64_t apart = 1; apart < dim; apart *= 2) {
    barrier();
    for (int64_t i = thread(); i < dim / 2; i += threads()) {
      const int64_t first = i / apart * 2 * apart + i % apart;
      const float a = x[first], b = x[first + apart];
      x[first] = a + b;
      x[first + apart] = a - b;
    }
  }
  barrier();
  const float scale = 1 / sqrtf(float(dim));
  for (int64_t i = thread(); i < dim; i += threads()) x[i] = x[i] * scale;
}

// By a warp: the scale that a group of numbers gets as float8, the same in each of its threads.
__device__ inline float float8_scale(const float* x, int64_t count, float amax_least,
                                     SimulateFloat8::Scale scale) {
  float most = amax_least;
  for (int64_t i = thread() % kWarp; i < count; i += kWarp)
    if (fabsf(x[i]) > most) most = fabsf(x[i]);
  const float exact = warp_most(most) / kFloat8Most;
  return scale == SimulateFloat8::Scale::PowerOfTwo ? raised_to_power_of_two(exact) : exact;
}

// By a warp: what float8 and that scale leave of a group of numbers.
__device__ inline void simulate_float8_group(float* x, int64_t count, float amax_least,
                                             SimulateFloat8::Scale scale) {
  const float s = float8_scale(x, count, amax_least, scale);
  for (int64_t i = thread() % kWarp; i < count; i += kWarp)
    x[i] = to_float(to_float8(clamped_to_float8(x[i] / s))) * s;
}

// By a thread: the i-th number of a layer's rows or keys.
__device__ inline void store_number(Number type, unsigned char* rows, int64_t i, float x) {
  if (type == Number::F32)
    reinterpret_cast<float*>(rows)[i] = x;
  else
    reinterpret_cast<Bfloat16*>(rows)[i] = to_bfloat16(x);
}

// Where dim d of the index key at `slot` stands, in numbers.
__device__ inline int64_t index_key_place(int64_t slot, int64_t d) {
  return (d / 2 * kPageTokens + slot) * 2 + d % 2;
}

// By a block: a latent row or record; `row` is where it begins, x may be shared memory.
__device__ inline void store_latent_row(const PageFormat& format, const float* x,
                                        unsigned char* row) {
  if (format.type != Number::FP8) {
    for (int64_t d = thread(); d < format.width; d += threads())
      store_number(format.type, row, d, x[d]);
    return;
  }
  for (int64_t tile = thread() / kWarp; tile < format.tiles(); tile += threads() / kWarp) {
    const int64_t first = tile * PageFormat::kTile;
    const int64_t count = std::min(int64_t(PageFormat::kTile), format.latent - first);
    const float s = float8_scale(x + first, count, SimulateFloat8::kAmaxLeast,
                                 SimulateFloat8::Scale::PowerOfTwo);
    for (int64_t i = thread() % kWarp; i < count; i += kWarp)
      row[first + i] = to_float8(clamped_to_float8(x[first + i] / s)).bits;
    if (thread() % kWarp == 0) reinterpret_cast<float*>(row + format.latent)[tile] = s;
  }
  for (int64_t d = format.latent + thread(); d < format.width; d += threads())
    store_number(Number::BF16, row + format.key_at(), d - format.latent, x[d]);
}

}  // namespace cuda
