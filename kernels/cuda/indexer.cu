// Lightning indexer, version 2: a thread a key, which it holds while the tokens that see it pass.
// Bound: bytes of keys if samples see pages of their own, FLOPs if they share them. It uses no
// tensor cores.
//
// A block stands for a token and 256 keys' places, which are four pages. Of the tokens of a window
// that see the same page in the same place, the first one's block leads: it scores that page for
// all of them, and each of its threads reads its key from memory once. The others' blocks leave
// the page alone; where nothing is shared, every block leads its own token. Who leads is read from
// the page tables where they lie, so that a recorded graph stays valid while they change. Nor can
// sharing change a bit: the sums for a token and a key run over dims and heads in ascending order,
// whichever block takes them.
#include <bit>

#include "kernels/cuda/launch.h"

namespace {

constexpr int kThreads = 256;  // keys
constexpr int kPages = kThreads / kPageTokens;
constexpr int kHeads = 4;  // whose dot products are taken while a key passes by
constexpr int kWords = 8;
// Tokens that may share a key. More of them would read fewer keys, but leave too few blocks to the
// card where thousands of a prompt's tokens see the same pages.
constexpr int kWindow = kWords * cuda::kWarp;

// Shared by the block. Behind it lie one token's query, [padded heads, dim] floats, and the keys of
// the block as they are stored, [dim / 2][kThreads][2].
struct Scratch {
  uint32_t member[kPages]
                 [kWords];  // the tokens of the window that a page is scored for, a bit each
};
static_assert(sizeof(Scratch) % sizeof(float) == 0, "floats begin behind it");

__device__ int64_t padded(int64_t heads) { return cuda::blocks_for(heads, kHeads) * kHeads; }

// Whether two tokens see the same page there.
__device__ bool alike(const SeenPages& a, const SeenPages& b, int64_t page) {
  const int64_t first_key = page * kPageTokens;
  return first_key < a.visible && first_key < b.visible && a.page[page] == b.page[page];
}

// Whether the window's `own`-th token is the first that sees a page.
__device__ bool leads(const uint32_t* member, int own) {
  for (int word = 0; word < own / cuda::kWarp; ++word)
    if (member[word] != 0) return false;
  return std::countr_zero(member[own / cuda::kWarp]) == own % cuda::kWarp;
}

// Finds for which tokens this block scores each of its pages: for none where t does not lead.
__device__ void find_members(const IndexerScores& args, int64_t t, int64_t first_page,
                             Scratch& scratch) {
  const int64_t begin = t / kWindow * kWindow;
  for (int i = cuda::thread() / cuda::kWarp; i < kPages * kWords; i += kThreads / cuda::kWarp) {
    const int page = i / kWords, word = i % kWords;
    const int64_t other = begin + word * cuda::kWarp + cuda::thread() % cuda::kWarp;
    const uint32_t same = cuda::ballot(other < args.q.extent[0] &&
                                       alike(args.seen(t), args.seen(other), first_page + page));
    if (cuda::thread() % cuda::kWarp == 0) scratch.member[page][word] = same;
  }
  cuda::barrier();
  if (cuda::thread() < kPages) {
    uint32_t* member = scratch.member[cuda::thread()];
    const bool leading = leads(member, int(t - begin));
    for (int word = 0; word < kWords; ++word) member[word] = leading ? member[word] : 0;
  }
  cuda::barrier();
}

// Token t's query as floats, rounded to the keys' type; the heads added for padding are zeros.
__device__ void load_query(const IndexerScores& args, int64_t t, float* query) {
  const auto [tokens, heads, dim] = args.q.extent;
  const float* q = args.q.data + t * heads * dim;
  for (int64_t i = cuda::thread(); i < padded(heads) * dim; i += kThreads) {
    const float x = i < heads * dim ? q[i] : 0;
    query[i] = args.format.type == Number::F32 ? x : cuda::rounded_to_bfloat16(x);
  }
}

// Copies this thread's key out of its page, [dim / 2][kPageTokens][2] as kernels/pages.h says. No
// other thread reads it.
template <class T>
__device__ void hold_key(const IndexerScores& args, const SeenPages& seen, int64_t s, T* keys) {
  const T* page =
      reinterpret_cast<const T*>(seen.page[s / kPageTokens] + args.offset) + s % kPageTokens * 2;
  T* key = keys + cuda::thread() * 2;
  for (int64_t pair = 0; pair < args.q.extent[2] / 2; ++pair)
    for (int i = 0; i < 2; ++i) key[pair * kThreads * 2 + i] = page[pair * kPageTokens * 2 + i];
}

// The score of this thread's key.
template <Number type>
__device__ float score_of(const void* keys, const float* query, const float* weight, int64_t heads,
                          int64_t dim) {
  float sum = 0;
  for (int64_t h = 0; h < heads; h += kHeads) {
    float dot[kHeads] = {};
    for (int64_t d = 0; d < dim; ++d) {
      const float key =
          cuda::number_at<type>(keys, (d / 2 * kThreads + cuda::thread()) * 2 + d % 2);
      for (int i = 0; i < kHeads; ++i) dot[i] = fmaf(query[(h + i) * dim + d], key, dot[i]);
    }
    for (int i = 0; i < kHeads; ++i)  // NaN stays NaN
      if (h + i < heads) sum = fmaf(weight[h + i], dot[i] < 0 ? 0 : dot[i], sum);
  }
  return sum;
}

// Scores the block's keys for the members of its pages, in the order of tokens.
template <Number type, class T>
__device__ void score_members(const IndexerScores& args, int64_t begin, int64_t first_key,
                              Scratch& scratch) {
  const auto [tokens, heads, dim] = args.q.extent;
  const int64_t s = first_key + cuda::thread();
  const uint32_t* mine = scratch.member[cuda::thread() / kPageTokens];
  float* query = reinterpret_cast<float*>(&scratch + 1);
  T* keys = reinterpret_cast<T*>(query + padded(heads) * dim);
  bool held = false;
  for (int word = 0; word < kWords; ++word) {
    uint32_t any = 0;  // of all pages: the threads of the block stay together
    for (int page = 0; page < kPages; ++page) any |= scratch.member[page][word];
    for (; any != 0; any &= any - 1) {
      const int bit = std::countr_zero(any);
      const int64_t t = begin + word * cuda::kWarp + bit;
      cuda::barrier();  // the query before may still be read
      load_query(args, t, query);
      cuda::barrier();
      const SeenPages& seen = args.seen(t);
      if ((mine[word] >> bit & 1) == 0 || s >= seen.visible) continue;
      if (!held) hold_key(args, seen, s, keys);
      held = true;
      args.score(t, s) = score_of<type>(keys, query, args.weight.data + t * heads, heads, dim);
    }
  }
}

// grid: a block for each token and 256 columns   shared: Scratch, a query and 256 keys
__global__ void indexer_scores_kernel(IndexerScores args) {
  const int64_t across = cuda::blocks_for(args.score.extent[1], kThreads);
  const int64_t t = cuda::block() / across, first_key = cuda::block() % across * kThreads;
  if (first_key >= args.seen(t).visible) return;  // all threads of the block alike
  Scratch& scratch = *reinterpret_cast<Scratch*>(cuda::shared_memory());
  find_members(args, t, first_key / kPageTokens, scratch);
  const int64_t begin = t / kWindow * kWindow;
  if (args.format.type == Number::F32)
    score_members<Number::F32, float>(args, begin, first_key, scratch);
  else
    score_members<Number::BF16, Bfloat16>(args, begin, first_key, scratch);
}

}  // namespace

void cuda::indexer_scores(const IndexerScores& args, Stream stream) {
  const auto [tokens, heads, dim] = args.q.extent;
  assert(args.format.width == dim && args.weight.extent[0] == tokens);
  launch(stream, indexer_scores_kernel,
         {.blocks = tokens * blocks_for(args.score.extent[1], kThreads),
          .threads = kThreads,
          .shared_bytes = int64_t(sizeof(Scratch)) +
                          blocks_for(heads, kHeads) * kHeads * dim * int64_t(sizeof(float)) +
                          kThreads * dim * bytes_of(args.format.type)},
         args);
}
