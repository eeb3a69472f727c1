// Linear layers, version 1: a warp a row of weights, for kTokens rows of x at a time.
// Bound: bytes of weights below some 100 tokens, FLOPs above. It uses no tensor cores, and rereads
// the weights for every kTokens rows of x.
//
// A sum's order depends on cols alone: within a block of 128 columns each thread takes every 32nd,
// ascending; blocks are scaled and added in ascending order; then a fixed tree over the warp.

#include "kernels/cuda/launch.h"

namespace {

constexpr int kThreads = 256;
constexpr int kRows = kThreads / cuda::kWarp;  // of weights, a block
constexpr int kTokens = 8;

constexpr bool has_scales(Number type) { return type == Number::FP8 || type == Number::Int8; }

// Rows of x, at most kTokens of them, and where their products with one row of weights go.
struct Rows {
  const float* x = nullptr;
  int64_t x_apart = 0;  // numbers from one row to the next
  float* y = nullptr;
  int64_t y_apart = 0;
  int count = 0;
  Rounding rounding = Rounding::ToWeights;
};

// y[t] = sum_c x[t, c] W[r, c], by one warp.
template <Number type>
__device__ void multiply_typed(const Rows& rows, const Matrix& w, int64_t r) {
  const int lane = cuda::thread() % cuda::kWarp;
  const bool round = type != Number::F32 && rows.rounding == Rounding::ToWeights;
  float sum[kTokens] = {};
  for (int64_t begin = 0; begin < w.cols; begin += Matrix::kBlock) {
    const int64_t end = std::min(begin + Matrix::kBlock, w.cols);
    float part[kTokens] = {};
    for (int64_t c = begin + lane; c < end; c += cuda::kWarp) {
      const float number = cuda::number_at<type>(w.data, r * w.cols + c);
      for (int t = 0; t < kTokens; ++t) {
        if (t >= rows.count) continue;
        const float x = rows.x[t * rows.x_apart + c];
        part[t] = fmaf(round ? cuda::rounded_to_bfloat16(x) : x, number, part[t]);
      }
    }
    float scale = 1;
    if constexpr (has_scales(type))
      scale = w.scale((w.first_row + r) / w.scale_rows, begin / Matrix::kBlock);
    for (int t = 0; t < kTokens; ++t) sum[t] = fmaf(part[t], scale, sum[t]);
  }
  for (int t = 0; t < kTokens; ++t) {
    if (t >= rows.count) continue;
    const float total = cuda::warp_sum(sum[t]);
    if (lane == 0) rows.y[t * rows.y_apart] = total;
  }
}

__device__ void multiply(const Rows& rows, const Matrix& w, int64_t r) {
  switch (w.type) {
    case Number::F32:
      return multiply_typed<Number::F32>(rows, w, r);
    case Number::BF16:
      return multiply_typed<Number::BF16>(rows, w, r);
    case Number::FP8:
      return multiply_typed<Number::FP8>(rows, w, r);
    case Number::Int8:
      return multiply_typed<Number::Int8>(rows, w, r);
  }
}

// Which row of weights this warp takes, and which group of tokens, if blocks run over all rows of
// the first group, then over those of the next.
struct Task {
  int64_t row = 0, group = 0;
};
__device__ Task task_of(int64_t rows) {
  const int64_t across = cuda::blocks_for(rows, kRows);
  return {.row = cuda::block() % across * kRows + cuda::thread() / cuda::kWarp,
          .group = cuda::block() / across};
}
cuda::Shape shape_of_tasks(int64_t rows, int64_t groups) {
  return {.blocks = cuda::blocks_for(rows, kRows) * groups, .threads = kThreads};
}

// grid: a warp for each row of weights and kTokens tokens
__global__ void linear_kernel(Linear args) {
  const auto& [x, weight, y, rounding] = args;
  const auto [row, group] = task_of(weight.rows);
  if (row >= weight.rows) return;  // the whole warp leaves together
  const int64_t t = group * kTokens;
  multiply({.x = x.data + t * weight.cols,
            .x_apart = weight.cols,
            .y = y.data + t * weight.rows + row,
            .y_apart = weight.rows,
            .count = int(std::min<int64_t>(kTokens, x.extent[0] - t)),
            .rounding = rounding},
           weight, row);
}

// The expert whose part holds the pair: the last one that begins at it or before.
__device__ int64_t expert_of(View<const int32_t, 1> first, int64_t pair) {
  int64_t low = 0, high = first.extent[0] - 1;  // first[low] <= pair < first[high]
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (first(middle) <= pair)
      low = middle;
    else
      high = middle;
  }
  return low;
}

// grid: a warp for each row of weights and kTokens pairs, which may belong to several experts
__global__ void grouped_linear_kernel(GroupedLinear args) {
  const auto& [x, weight, first, y] = args;
  const auto [pairs, rows] = y.extent;
  const auto [row, group] = task_of(rows);
  if (row >= rows) return;  // the whole warp leaves together
  const int64_t end = std::min(pairs, (group + 1) * kTokens);
  for (int64_t i = group * kTokens; i < end;) {
    const int64_t e = expert_of(first, i);
    const int64_t next = std::min<int64_t>(end, first(e + 1));
    multiply({.x = x.data + i * x.extent[1],
              .x_apart = x.extent[1],
              .y = y.data + i * rows + row,
              .y_apart = rows,
              .count = int(next - i),
              .rounding = Rounding::ToWeights},
             weight(e), row);
    i = next;
  }
}

// grid: a warp for each row of a head's values, and head, and kTokens tokens
__global__ void expand_value_kernel(ExpandValue args) {
  const auto& [x, weight, stride, skip, y] = args;
  const auto [tokens, heads, value] = y.extent;
  const auto [row, group] = task_of(value);
  if (row >= value) return;  // the whole warp leaves together
  const int64_t h = group % heads, t = group / heads * kTokens, latent = weight.cols;
  multiply({.x = x.data + (t * heads + h) * latent,
            .x_apart = heads * latent,
            .y = y.data + (t * heads + h) * value + row,
            .y_apart = heads * value,
            .count = int(std::min<int64_t>(kTokens, tokens - t)),
            .rounding = Rounding::ToWeights},
           weight, h * stride + skip + row);
}

__device__ float value_at(const Matrix& w, int64_t r, int64_t c) {
  const int64_t i = r * w.cols + c;
  if (w.type == Number::F32) return cuda::number_at<Number::F32>(w.data, i);
  if (w.type == Number::BF16) return cuda::number_at<Number::BF16>(w.data, i);
  const float scale = w.scale((w.first_row + r) / w.scale_rows, c / Matrix::kBlock);
  return scale * (w.type == Number::FP8 ? cuda::number_at<Number::FP8>(w.data, i)
                                        : cuda::number_at<Number::Int8>(w.data, i));
}

// grid: a thread for each latent number of a head, and kTokens tokens; a block has one head
__global__ void absorb_query_kernel(AbsorbQuery args) {
  const auto& [x, weight, stride, y] = args;
  const auto [tokens, heads, nope] = x.extent;
  const int64_t across = cuda::blocks_for(weight.cols, kThreads);
  const int64_t c = cuda::block() % across * kThreads + cuda::thread();
  const int64_t h = cuda::block() / across % heads;
  const int64_t first = cuda::block() / across / heads * kTokens;
  if (c >= weight.cols) return;
  float sum[kTokens] = {};
  for (int64_t r = 0; r < nope; ++r) {
    const float number = value_at(weight, h * stride + r, c);
    for (int t = 0; t < kTokens; ++t)
      if (first + t < tokens) sum[t] = fmaf(x(first + t, h, r), number, sum[t]);
  }
  for (int t = 0; t < kTokens; ++t)
    if (first + t < tokens) y(first + t, h, c) = sum[t];
}

}  // namespace

void cuda::linear(const Linear& args, Stream stream) {
  const int64_t tokens = args.x.extent[0];
  assert(args.x.extent[1] == args.weight.cols && args.y.extent[1] == args.weight.rows);
  launch(stream, linear_kernel, shape_of_tasks(args.weight.rows, blocks_for(tokens, kTokens)),
         args);
}

void cuda::grouped_linear(const GroupedLinear& args, Stream stream) {
  const auto [pairs, rows] = args.y.extent;
  launch(stream, grouped_linear_kernel, shape_of_tasks(rows, blocks_for(pairs, kTokens)), args);
}

void cuda::expand_value(const ExpandValue& args, Stream stream) {
  const auto [tokens, heads, value] = args.y.extent;
  launch(stream, expand_value_kernel, shape_of_tasks(value, heads * blocks_for(tokens, kTokens)),
         args);
}

void cuda::absorb_query(const AbsorbQuery& args, Stream stream) {
  const auto [tokens, heads, latent] = args.y.extent;
  const int64_t blocks = blocks_for(latent, kThreads) * heads * blocks_for(tokens, kTokens);
  launch(stream, absorb_query_kernel, {.blocks = blocks, .threads = kThreads}, args);
}
