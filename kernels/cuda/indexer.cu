// Lightning indexer, version 1: a thread a key, for kTokens tokens in turn.
// Bound: bytes of keys if samples see pages of their own, FLOPs if they share them. It uses no
// tensor cores.
//
// A block takes the same 256 keys' places for its tokens one after the other. Where those tokens
// see the same page its keys are read from memory once and from the L1 cache thereafter; where they
// do not, nothing is lost. So sharing cannot change a bit: each thread's sums run over dims and
// heads in ascending order.

#include "kernels/cuda/launch.h"

namespace {

constexpr int kThreads = 256;  // keys
constexpr int kTokens = 4;
constexpr int kHeads = 4;  // whose dot products are taken while a key passes by

__device__ int64_t padded(int64_t heads) { return cuda::blocks_for(heads, kHeads) * kHeads; }

// Token t's query as floats, rounded to the keys' type; the heads added for padding are zeros.
__device__ void load_query(const IndexerScores& args, int64_t t, float* query) {
  const auto [tokens, heads, dim] = args.q.extent;
  const float* q = args.q.data + t * heads * dim;
  for (int64_t i = cuda::thread(); i < padded(heads) * dim; i += kThreads) {
    const float x = i < heads * dim ? q[i] : 0;
    query[i] = args.format.type == Number::F32 ? x : cuda::rounded_to_bfloat16(x);
  }
}

// The score of the key in a slot. `keys`: [dim / 2][kPageTokens][2], as kernels/pages.h says.
template <Number type>
__device__ float score_of(const unsigned char* keys, int64_t slot, const float* query,
                          const float* weight, int64_t heads, int64_t dim) {
  float sum = 0;
  for (int64_t h = 0; h < heads; h += kHeads) {
    float dot[kHeads] = {};
    for (int64_t d = 0; d < dim; ++d) {
      const float key = cuda::number_at<type>(keys, (d / 2 * kPageTokens + slot) * 2 + d % 2);
      for (int i = 0; i < kHeads; ++i) dot[i] = fmaf(query[(h + i) * dim + d], key, dot[i]);
    }
    for (int i = 0; i < kHeads; ++i)  // NaN stays NaN
      if (h + i < heads) sum = fmaf(weight[h + i], dot[i] < 0 ? 0 : dot[i], sum);
  }
  return sum;
}

// grid: a block for each kTokens tokens and 256 columns   shared: a token's query
__global__ void indexer_scores_kernel(IndexerScores args) {
  const auto [tokens, heads, dim] = args.q.extent;
  const int64_t across = cuda::blocks_for(args.score.extent[1], kThreads);
  const int64_t first_key = cuda::block() % across * kThreads, s = first_key + cuda::thread();
  const int64_t begin = cuda::block() / across * kTokens;
  const int64_t end = std::min(begin + kTokens, tokens);
  float* query = reinterpret_cast<float*>(cuda::shared_memory());

  for (int64_t t = begin; t < end; ++t) {
    const SeenPages& seen = args.seen(t);
    if (first_key >= seen.visible) continue;  // all threads of the block alike
    cuda::barrier();                          // the token before may still be read
    load_query(args, t, query);
    cuda::barrier();
    if (s >= seen.visible) continue;
    const unsigned char* keys = seen.page[s / kPageTokens] + args.offset;
    const float* weight = args.weight.data + t * heads;
    args.score(t, s) =
        args.format.type == Number::F32
            ? score_of<Number::F32>(keys, s % kPageTokens, query, weight, heads, dim)
            : score_of<Number::BF16>(keys, s % kPageTokens, query, weight, heads, dim);
  }
}

}  // namespace

void cuda::indexer_scores(const IndexerScores& args, Stream stream) {
  const auto [tokens, heads, dim] = args.q.extent;
  assert(args.format.width == dim && args.weight.extent[0] == tokens);
  launch(stream, indexer_scores_kernel,
         {.blocks = blocks_for(tokens, kTokens) * blocks_for(args.score.extent[1], kThreads),
          .threads = kThreads,
          .shared_bytes = blocks_for(heads, kHeads) * kHeads * dim * int64_t(sizeof(float))},
         args);
}
