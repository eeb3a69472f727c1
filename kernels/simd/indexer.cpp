// The lightning indexer. Pages are the outer loop and are shared out between threads; the tokens
// that see a page take it in turn, so that samples with a common prefix find its keys in the
// first-level cache. kernels/simd/indexer_bfloat16.h and indexer_float.h score one page.
#include "kernels/indexer.h"

#include <algorithm>

#include "kernels/simd/indexer_bfloat16.h"
#include "kernels/simd/indexer_float.h"
#include "kernels/simd/scratch.h"
#include "kernels/threads.h"

namespace {

#if defined(__AVX512BF16__)
using RoundedQuery = Bfloat16;
#else
using RoundedQuery = float;
#endif

// A task is so many tokens on one page, or one token on so many pages, or something between.
constexpr int64_t kTokensPerTask = 64;
constexpr int64_t kPagesPerTask = 16;
constexpr int64_t kTasksPerThread = 4;

struct IndexerTask {
  const IndexerScores& args;
  const RoundedQuery* q;  // [tokens, heads, dim], unless keys are F32
  int64_t first_token, end_token;
  int64_t first_page, end_page;

  // The page's keys as token t sees them, or null where it sees none of them.
  const unsigned char* keys(int64_t t, int64_t page) const {
    const SeenPages& seen = args.seen.data[t];
    if (page >= end_page || page * kPageTokens >= seen.visible) return nullptr;
    return seen.page[page] + args.offset;
  }
  int64_t count(int64_t t, int64_t page) const {
    return std::min(kPageTokens, args.seen.data[t].visible - page * kPageTokens);
  }
  float* score(int64_t t, int64_t page) const {
    return args.score.data + t * args.score.extent[1] + page * kPageTokens;
  }
};

#if defined(__AVX512BF16__)
void score_rounded(const IndexerTask& task) {
  const int64_t heads = task.args.q.extent[1], dim = task.args.q.extent[2];
  for (int64_t page = task.first_page; page < task.end_page; ++page) {
    for (int64_t t = task.first_token; t < task.end_token; ++t) {
      const unsigned char* keys = task.keys(t, page);
      if (keys == nullptr) continue;
      const bool last = t + 1 == task.end_token;
      const unsigned char* coming =
          last ? task.keys(task.first_token, page + 1) : task.keys(t + 1, page);
      if (coming == nullptr) coming = keys;
      score_page({task.q + t * heads * dim, task.args.weight.data + t * heads, heads, dim, keys,
                  coming, task.count(t, page), task.score(t, page)});
    }
  }
}
#endif

void score_in_float(const IndexerTask& task, const float* q) {
  static thread_local Scratch scratch;
  const int64_t heads = task.args.q.extent[1], dim = task.args.q.extent[2];
  float* widened = scratch.numbers<float>(std::size_t(dim * kPageTokens));
  for (int64_t page = task.first_page; page < task.end_page; ++page) {
    const unsigned char* in_scratch = nullptr;
    for (int64_t t = task.first_token; t < task.end_token; ++t) {
      const unsigned char* keys = task.keys(t, page);
      if (keys == nullptr) continue;
      if (keys != in_scratch) widen_page(keys, task.args.format.type, dim, widened);
      in_scratch = keys;
      score_widened({q + t * heads * dim, task.args.weight.data + t * heads, heads, dim, widened,
                     task.count(t, page), task.score(t, page)});
    }
  }
}

void score(const IndexerTask& task) {
  if (task.args.format.type == Number::F32) return score_in_float(task, task.args.q.data);
#if defined(__AVX512BF16__)
  score_rounded(task);
#else
  score_in_float(task, task.q);
#endif
}

const RoundedQuery* rounded_queries(const IndexerScores& args, Threads& threads) {
  static thread_local Scratch scratch;
  if (args.format.type == Number::F32) return nullptr;
  const int64_t numbers = args.q.extent[1] * args.q.extent[2];
  RoundedQuery* q = scratch.numbers<RoundedQuery>(std::size_t(args.q.size()));
  const int64_t tasks = (args.q.extent[0] + kTokensPerTask - 1) / kTokensPerTask;
  threads.run(tasks, [&args, q, numbers](int64_t task) {
    const int64_t first = task * kTokensPerTask;
    const int64_t count = std::min(kTokensPerTask, args.q.extent[0] - first);
    round_query(args.q.data + first * numbers, count * numbers, q + first * numbers);
  });
  return q;
}

}  // namespace

template <>
void simd::indexer_scores<KERNEL_LEVEL>(const IndexerScores& args, Threads& threads) {
  const int64_t tokens = args.q.extent[0];
  assert(args.format.width == args.q.extent[2] && args.format.width % 2 == 0);
  assert(args.weight.extent[0] == tokens && args.weight.extent[1] == args.q.extent[1]);
  int64_t visible = 0;
  for (int64_t t = 0; t < tokens; ++t)
    visible = std::max(visible, int64_t(args.seen.data[t].visible));
  assert(visible <= args.score.extent[1]);
  if (visible == 0) return;

  const RoundedQuery* q = rounded_queries(args, threads);
  const int64_t pages = (visible + kPageTokens - 1) / kPageTokens;
  const int64_t groups = (tokens + kTokensPerTask - 1) / kTokensPerTask;
  const int64_t even = pages * groups / (kTasksPerThread * threads.count());
  const int64_t range =
      std::max(int64_t(1), std::min(even, kPagesPerTask / std::min(tokens, kPagesPerTask)));
  const int64_t ranges = (pages + range - 1) / range;
  threads.run(ranges * groups, [&args, q, groups, range, pages, tokens](int64_t number) {
    const int64_t page = number / groups * range, token = number % groups * kTokensPerTask;
    score({args, q, token, std::min(tokens, token + kTokensPerTask), page,
           std::min(pages, page + range)});
  });
}
