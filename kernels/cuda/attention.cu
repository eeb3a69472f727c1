// Absorbed latent attention, version 1: a block for kHeads heads of one token.
// Bound: FLOPs from some 8 heads on, bytes of rows below. It uses no tensor cores.
//
// The list is taken in blocks of kAttentionBlock rows, ascending (softmax on line, Milakov and
// Gimelshein 2018): scores (a warp a row), weights relative to the largest score so far (a warp a
// head), then the weighed rows are added (a thread a column, rows ascending). All that follows from
// the list alone, so listing all rows and kAll are the same work.

#include "kernels/cuda/launch.h"

namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / cuda::kWarp;
constexpr int kHeads = 8;
static_assert(kWarps == kHeads, "a warp weighs the rows of one head");

// Shared by the block. Heads past the last are computed from queries of zeros, and not written.
struct Scratch {
  const unsigned char** row;  // [kAttentionBlock]
  float* query;               // [kHeads, width]
  float* weight;              // [kHeads, kAttentionBlock]: scores, then weights
  float* value;               // [kHeads, latent]: weighed rows so far
  float* most;                // [kHeads]: the largest score so far
  float* sum;                 // [kHeads]: of weights so far
  float* shrink;              // [kHeads]: what a larger score leaves of what is summed so far
};

int64_t scratch_bytes(int64_t width, int64_t latent) {
  return kAttentionBlock * int64_t(sizeof(void*)) +
         kHeads * (width + kAttentionBlock + latent + 3) * int64_t(sizeof(float));
}

__device__ Scratch scratch_of(int64_t width, int64_t latent) {
  Scratch scratch;
  scratch.row = reinterpret_cast<const unsigned char**>(cuda::shared_memory());
  scratch.query = reinterpret_cast<float*>(scratch.row + kAttentionBlock);
  scratch.weight = scratch.query + kHeads * width;
  scratch.value = scratch.weight + kHeads * kAttentionBlock;
  scratch.most = scratch.value + kHeads * latent;
  scratch.sum = scratch.most + kHeads;
  scratch.shrink = scratch.sum + kHeads;
  return scratch;
}

// Which token and heads this block has.
struct Task {
  int64_t t = 0, first_head = 0;
};

__device__ void begin(const LatentAttention& args, Task task, const Scratch& scratch) {
  const auto [tokens, heads, width] = args.q.extent;
  for (int64_t i = cuda::thread(); i < kHeads * width; i += kThreads) {
    const int64_t h = task.first_head + i / width;
    const float x = h < heads ? args.q(task.t, h, i % width) : 0;
    scratch.query[i] = args.format.type == Number::F32 ? x : cuda::rounded_to_bfloat16(x);
  }
  for (int64_t i = cuda::thread(); i < kHeads * args.out.extent[2]; i += kThreads)
    scratch.value[i] = 0;
  if (cuda::thread() < kHeads) {
    scratch.most[cuda::thread()] = -INFINITY;
    scratch.sum[cuda::thread()] = 0;
  }
}

// Where rows first ... first + count - 1 of the list stand.
__device__ void find_rows(const LatentAttention& args, int64_t t, int64_t first, int64_t count,
                          const Scratch& scratch) {
  const SeenPages& seen = args.seen(t);
  const bool all = args.found(t) == LatentAttention::kAll;
  const int64_t row_bytes = args.format.row_bytes();
  for (int64_t i = cuda::thread(); i < count; i += kThreads) {
    const int64_t s = all ? first + i : args.selected(t, first + i);
    assert(0 <= s && s < seen.visible);
    scratch.row[i] = seen.page[s / kPageTokens] + args.offset + s % kPageTokens * row_bytes;
  }
}

// Number d of a latent row, or record where type is FP8.
template <Number type>
__device__ float row_number(const PageFormat& format, const unsigned char* row, int64_t d) {
  if constexpr (type != Number::FP8) return cuda::number_at<type>(row, d);
  if (d >= format.latent)
    return cuda::number_at<Number::BF16>(row + format.key_at(), d - format.latent);
  return cuda::number_at<Number::FP8>(row, d) *
         cuda::number_at<Number::F32>(row + format.latent, d / PageFormat::kTile);
}

template <Number type>
__device__ void score_rows(const LatentAttention& args, int64_t count, const Scratch& scratch) {
  const int lane = cuda::thread() % cuda::kWarp;
  const int64_t width = args.format.width;
  for (int64_t i = cuda::thread() / cuda::kWarp; i < count; i += kWarps) {
    float dot[kHeads] = {};
    for (int64_t d = lane; d < width; d += cuda::kWarp) {
      const float x = row_number<type>(args.format, scratch.row[i], d);
      for (int h = 0; h < kHeads; ++h) dot[h] = fmaf(scratch.query[h * width + d], x, dot[h]);
    }
    for (int h = 0; h < kHeads; ++h) {
      const float score = cuda::warp_sum(dot[h]) * args.scale;
      if (lane == 0) scratch.weight[h * kAttentionBlock + i] = score;
    }
  }
}

// Scores to weights, by one warp for each head. A NaN is no largest score, but its weight is NaN.
__device__ void weigh_rows(int64_t count, const Scratch& scratch) {
  const int lane = cuda::thread() % cuda::kWarp, h = cuda::thread() / cuda::kWarp;
  float* weight = scratch.weight + h * kAttentionBlock;
  const float before = scratch.most[h];
  float most = before;
  for (int64_t i = lane; i < count; i += cuda::kWarp) most = fmaxf(most, weight[i]);
  most = cuda::warp_most(most);
  const float base = most == -INFINITY ? 0 : most;  // -inf - -inf would be NaN
  float sum = 0;
  for (int64_t i = lane; i < count; i += cuda::kWarp) sum += weight[i] = expf(weight[i] - base);
  sum = cuda::warp_sum(sum);
  if (lane != 0) return;
  const float shrink = expf(before - base);
  scratch.shrink[h] = shrink;
  scratch.sum[h] = fmaf(scratch.sum[h], shrink, sum);
  scratch.most[h] = most;
}

template <Number type>
__device__ void add_rows(const LatentAttention& args, int64_t count, const Scratch& scratch) {
  const int64_t latent = args.out.extent[2];
  for (int64_t c = cuda::thread(); c < latent; c += kThreads) {
    float sum[kHeads] = {};
    for (int64_t i = 0; i < count; ++i) {
      const float x = row_number<type>(args.format, scratch.row[i], c);
      for (int h = 0; h < kHeads; ++h)
        sum[h] = fmaf(scratch.weight[h * kAttentionBlock + i], x, sum[h]);
    }
    for (int h = 0; h < kHeads; ++h) {
      float& value = scratch.value[h * latent + c];
      value = fmaf(value, scratch.shrink[h], sum[h]);
    }
  }
}

template <Number type>
__device__ void attend(const LatentAttention& args, Task task, int64_t rows,
                       const Scratch& scratch) {
  for (int64_t first = 0; first < rows; first += kAttentionBlock) {
    const int64_t count = std::min(rows - first, int64_t(kAttentionBlock));
    cuda::barrier();  // the block before may still be read
    find_rows(args, task.t, first, count, scratch);
    cuda::barrier();
    score_rows<type>(args, count, scratch);
    cuda::barrier();
    weigh_rows(count, scratch);
    cuda::barrier();
    add_rows<type>(args, count, scratch);
  }
  cuda::barrier();
}

// grid: a block for each token and kHeads heads   shared: Scratch
__global__ void latent_attention_kernel(LatentAttention args) {
  const auto [tokens, heads, latent] = args.out.extent;
  const int64_t groups = cuda::blocks_for(heads, kHeads);
  const Task task = {.t = cuda::block() / groups, .first_head = cuda::block() % groups * kHeads};
  const int32_t found = args.found(task.t);
  const int64_t rows = found == LatentAttention::kAll ? args.seen(task.t).visible : found;
  const Scratch scratch = scratch_of(args.format.width, latent);

  if (rows > 0) {
    begin(args, task, scratch);
    if (args.format.type == Number::F32)
      attend<Number::F32>(args, task, rows, scratch);
    else if (args.format.type == Number::BF16)
      attend<Number::BF16>(args, task, rows, scratch);
    else
      attend<Number::FP8>(args, task, rows, scratch);
  }
  const int64_t written = std::min<int64_t>(kHeads, heads - task.first_head);
  for (int64_t i = cuda::thread(); i < written * latent; i += kThreads)
    args.out(task.t, task.first_head + i / latent, i % latent) =
        rows > 0 ? scratch.value[i] / scratch.sum[i / latent] : 0;
}

}  // namespace

void cuda::latent_attention(const LatentAttention& args, Stream stream) {
  const auto [tokens, heads, latent] = args.out.extent;
  const int64_t width = args.format.width;
  assert(args.q.extent[0] == tokens && args.q.extent[1] == heads && args.q.extent[2] == width);
  launch(stream, latent_attention_kernel,
         {.blocks = tokens * blocks_for(heads, kHeads),
          .threads = kThreads,
          .shared_bytes = scratch_bytes(width, latent)},
         args);
}
