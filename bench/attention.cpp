// Latent attention and the indexer against the machine's two ceilings, measured in the same run.
// The cache of a model of several layers is laid out as the engine does it, and calls take one
// layer after the other, so that no call finds its rows in a processor's cache. Usage:
// bench_attention [threads]
#include <cstdlib>
#include <memory>
#include <string>

#include "bench/ceilings.h"
#include "kernels/attention.h"
#include "kernels/indexer.h"

namespace {

constexpr int64_t kCacheBytes = 288 << 20;  // of all layers; a multiple of every page below
constexpr int64_t kLatent = 512;
constexpr int64_t kWidth = 576;
constexpr int64_t kIndexDim = 128;

struct Bench {
  Instructions level;
  Threads& threads;
  const unsigned char* cache;
  bench::Ceilings ceilings;
};

// SplitMix64, for numbers and lists that are the same in every run.
uint64_t draw(uint64_t& state) {
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

float draw_number(uint64_t& state) { return float(draw(state) >> 40) * 0x1p-23f - 1; }

std::vector<float> draw_numbers(int64_t count) {
  uint64_t state = 1;
  std::vector<float> numbers(std::size_t(count), 0.f);
  for (float& x : numbers) x = draw_number(state);
  return numbers;
}

// One sequence's pages, each of which holds all layers.
struct Sequence {
  Sequence(const unsigned char* cache, const PageFormat& format, int64_t tokens) {
    const int64_t pages = (tokens + kPageTokens - 1) / kPageTokens;
    layers = std::max<int64_t>(1, kCacheBytes / (pages * format.bytes()));
    for (int64_t p = 0; p < pages; ++p) page.push_back(cache + p * layers * format.bytes());
  }
  std::vector<const unsigned char*> page;
  int64_t layers = 1;
};

struct Work {
  std::string name;
  int64_t layers = 1;
  double flops = 0;
  double bytes = 0;
};

// `call(layer)` is timed over the layers.
template <class Call>
void time_case(const Bench& b, const Work& work, const Call& call) {
  int64_t turn = 0;
  const bench::Spread time = bench::measure([&] { call(turn++ % work.layers); });
  std::printf("%-51s %9.1f us (median %9.1f) %6.1f GFLOP/s %3.0f %% %5.1f GB/s %3.0f %%\n",
              work.name.c_str(), time.best * 1e6, time.median * 1e6, work.flops / time.best / 1e9,
              100 * work.flops / time.best / b.ceilings.arithmetic.best,
              work.bytes / time.best / 1e9, 100 * work.bytes / time.best / b.ceilings.read.best);
  std::fflush(stdout);
}

// listed = 0: all of the context. Else every token has a list of its own, spread evenly.
void time_attention(const Bench& b, const std::string& name, int64_t tokens, int64_t heads,
                    int64_t context, int64_t listed) {
  const PageFormat format = {.type = Number::BF16, .width = kWidth};
  const Sequence sequence(b.cache, format, context);
  const std::vector<float> q = draw_numbers(tokens * heads * kWidth);
  std::vector<float> out(std::size_t(tokens * heads * kLatent), 0.f);
  const std::vector<SeenPages> seen(std::size_t(tokens), {sequence.page.data(), int32_t(context)});
  const std::vector<int32_t> found(std::size_t(tokens),
                                   listed == 0 ? LatentAttention::kAll : int32_t(listed));
  std::vector<int32_t> selected(std::size_t(tokens * std::max<int64_t>(listed, 1)), 0);
  uint64_t state = 2;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t i = 0; i < listed; ++i) {
      const int64_t step = context / listed;
      selected[std::size_t(t * listed + i)] = int32_t(i * step + int64_t(draw(state) % step));
    }

  LatentAttention args;
  args.q = {q.data(), {tokens, heads, kWidth}};
  args.seen = {seen.data(), {tokens}};
  args.format = format;
  args.selected = {selected.data(), {tokens, std::max<int64_t>(listed, 1)}};
  args.found = {found.data(), {tokens}};
  args.scale = 0.05f;
  args.out = {out.data(), {tokens, heads, kLatent}};
  const double rows = double(tokens) * double(listed == 0 ? context : listed);
  const Work work = {name, sequence.layers, 2 * double(heads) * double(kWidth + kLatent) * rows,
                     rows * kWidth * 2};
  time_case(b, work, [&](int64_t layer) {
    args.offset = layer * format.bytes();
    if (b.level == Instructions::Avx512)
      simd::latent_attention<Instructions::Avx512>(args, b.threads);
    else
      simd::latent_attention<Instructions::Avx2>(args, b.threads);
  });
}

// All tokens see the same pages.
void time_indexer(const Bench& b, int64_t tokens, int64_t heads, int64_t keys) {
  const PageFormat format = {.type = Number::BF16, .width = kIndexDim};
  const Sequence sequence(b.cache, format, keys);
  const std::vector<float> q = draw_numbers(tokens * heads * kIndexDim);
  const std::vector<float> weight = draw_numbers(tokens * heads);
  std::vector<float> score(std::size_t(tokens * keys), 0.f);
  const std::vector<SeenPages> seen(std::size_t(tokens), {sequence.page.data(), int32_t(keys)});

  IndexerScores args;
  args.q = {q.data(), {tokens, heads, kIndexDim}};
  args.weight = {weight.data(), {tokens, heads}};
  args.seen = {seen.data(), {tokens}};
  args.format = format;
  args.score = {score.data(), {tokens, keys}};
  const std::string name = "indexer: " + std::to_string(tokens) + " tokens x " +
                           std::to_string(heads) + " heads, " + std::to_string(keys) + " keys";
  const Work work = {name, sequence.layers, 2 * double(tokens * heads) * double(kIndexDim * keys),
                     double(keys) * kIndexDim * 2};
  time_case(b, work, [&](int64_t layer) {
    args.offset = layer * format.bytes();
    if (b.level == Instructions::Avx512)
      simd::indexer_scores<Instructions::Avx512>(args, b.threads);
    else
      simd::indexer_scores<Instructions::Avx2>(args, b.threads);
  });
}

void time_all(const Bench& b) {
  time_attention(b, "decode: 1 token x 16 heads, 2048 of 32768 rows", 1, 16, 32768, 2048);
  time_attention(b, "decode: 1 token x 16 heads, all of 2048 rows", 1, 16, 2048, 0);
  time_attention(b, "decode: 1 token x 16 heads, all of 32768 rows", 1, 16, 32768, 0);
  time_attention(b, "decode: 1 token x 128 heads, 2048 of 32768 rows", 1, 128, 32768, 2048);
  time_attention(b, "decode: 64 tokens x 16 heads, 2048 of 32768 rows", 64, 16, 32768, 2048);
  time_attention(b, "prefill: 256 tokens x 16 heads, all of 1024 rows", 256, 16, 1024, 0);
  for (const int64_t tokens : {1, 64})
    for (const int64_t keys : {2048, 8192, 32768, 65536}) time_indexer(b, tokens, 16, keys);
  time_indexer(b, 1, 64, 32768);
}

}  // namespace

int main(int argc, char** argv) {
  const Instructions level = best_instructions();
  if (level == Instructions::Plain) {
    std::printf("this processor has no fast kernels\n");
    return 0;
  }
  Threads threads(argc > 1 ? std::clamp(std::atoi(argv[1]), 1, Threads::kMost) : usable_cores());
  const std::unique_ptr<unsigned char, decltype(&std::free)> cache(
      static_cast<unsigned char*>(std::aligned_alloc(4096, kCacheBytes)), &std::free);
  uint64_t state = 3;
  auto* numbers = reinterpret_cast<Bfloat16*>(cache.get());
  for (int64_t i = 0; i < kCacheBytes / 2; ++i) numbers[i] = to_bfloat16(draw_number(state));

  std::printf("%d threads, %s; best of many calls (their median), per cent of the best ceilings\n",
              threads.count(), std::string(to_text(level)).c_str());
  const bench::Ceilings ceilings =
      bench::measure_ceilings("before", threads, level, cache.get(), kCacheBytes);
  time_all({level, threads, cache.get(), ceilings});
  bench::measure_ceilings("after", threads, level, cache.get(), kCacheBytes);
  return 0;
}
