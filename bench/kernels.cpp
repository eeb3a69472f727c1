#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "kernels/linear.h"
#include "kernels/threads.h"

// Linear layers against the machine's two ceilings, measured in the same run: reading memory, and
// vdpbf16ps (FMA where there is none). Weights are read from copies that together exceed the
// caches. Usage: bench_kernels [threads]

namespace {

constexpr int64_t kStreamBytes = 256 << 20;
constexpr int kRepeats = 9;
constexpr double kLeastSeconds = 0.02;  // of one repeat

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct Spread {
  double best, median, worst;
};

Spread measure(const std::function<void()>& work) {
  work();
  std::vector<double> times;
  for (int i = 0; i < kRepeats; ++i) times.push_back(seconds(work));
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2], times.back()};
}

__attribute__((target("avx2"))) uint64_t read_all(const unsigned char* p, int64_t bytes) {
  __m256i sum[4] = {};
  for (int64_t i = 0; i < bytes; i += 128) {
    for (int j = 0; j < 4; ++j)
      sum[j] = _mm256_xor_si256(
          sum[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(p + i + 32 * j)));
    _mm_prefetch(p + i + 4096, _MM_HINT_T0);
    _mm_prefetch(p + i + 4096 + 64, _MM_HINT_T0);
  }
  return uint64_t(_mm256_extract_epi64(
      _mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]), _mm256_xor_si256(sum[2], sum[3])), 0));
}

// Bytes a second.
Spread read_bandwidth(Threads& threads, const unsigned char* data) {
  constexpr int64_t piece = 1 << 20;
  std::vector<uint64_t> sink(std::size_t(kStreamBytes / piece), 0);
  const Spread time = measure([&] {
    threads.run(kStreamBytes / piece,
                [&](int64_t i) { sink[std::size_t(i)] = read_all(data + i * piece, piece); });
  });
  return {double(kStreamBytes) / time.best, double(kStreamBytes) / time.median,
          double(kStreamBytes) / time.worst};
}

constexpr int64_t kPeakRounds = 100000;

// 12 chains are enough to hide the latency. They begin with different numbers, or the compiler
// would see that they are one.
__attribute__((target("avx512f,avx512bf16,avx512bw"))) float dot_rounds() {
  __m512 sum[12];
  for (int i = 0; i < 12; ++i) sum[i] = _mm512_set1_ps(float(i));
  const __m512bh x = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3F80));
  for (int64_t i = 0; i < kPeakRounds; ++i) {
#pragma GCC unroll 12
    for (auto& s : sum) s = _mm512_dpbf16_ps(s, x, x);
  }
  float total = 0;
  for (const auto& s : sum) total += s[0];
  return total;
}

__attribute__((target("avx2,fma"))) float fma_rounds() {
  __m256 sum[12];
  for (int i = 0; i < 12; ++i) sum[i] = _mm256_set1_ps(float(i));
  const __m256 x = _mm256_set1_ps(0.5f);
  for (int64_t i = 0; i < kPeakRounds; ++i) {
#pragma GCC unroll 12
    for (auto& s : sum) s = _mm256_fmadd_ps(s, x, x);
  }
  float total = 0;
  for (const auto& s : sum) total += s[0];
  return total;
}

// Floating-point operations a second, all threads together.
Spread arithmetic_peak(Threads& threads, Instructions level) {
  const bool dot = level == Instructions::Avx512;
  std::vector<float> sink(std::size_t(threads.count()), 0.f);
  const Spread time = measure([&] {
    threads.run(threads.count(),
                [&](int64_t i) { sink[std::size_t(i)] = dot ? dot_rounds() : fma_rounds(); });
  });
  const double work = double(threads.count()) * kPeakRounds * 12 * (dot ? 64 : 16);
  return {work / time.best, work / time.median, work / time.worst};
}

struct Memory {
  explicit Memory(int64_t bytes)
      : data(static_cast<unsigned char*>(std::aligned_alloc(64, std::size_t(bytes)))) {
    for (int64_t i = 0; i < bytes; ++i) data[i] = static_cast<unsigned char>(i * 31 % 120);
  }
  ~Memory() { std::free(data); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  unsigned char* data;
};

using LinearKernel = void (*)(const Linear&, Threads&);

struct Ceilings {
  Spread read;
  Spread arithmetic;
};

struct Shape {
  int64_t rows, cols;
};

void time_shape(LinearKernel linear, Threads& threads, const Memory& weights, const Shape& shape,
                Number type, int64_t tokens, const Ceilings& ceilings) {
  const auto [rows, cols] = shape;
  const int64_t bytes = rows * cols * bytes_of(type);
  const int64_t copies = std::max<int64_t>(1, kStreamBytes / bytes);
  std::vector<float> x(std::size_t(tokens * cols), 0.5f), y(std::size_t(tokens * rows), 0.f);
  const std::vector<float> scales(std::size_t((rows + 127) / 128 * ((cols + 127) / 128)), 0.5f);
  Linear args{.x = {x.data(), {tokens, cols}},
              .weight = {.type = type, .rows = rows, .cols = cols, .data = weights.data},
              .y = {y.data(), {tokens, rows}},
              .rounding = Rounding::ToWeights};
  if (type == Number::FP8)
    args.weight.scale = {scales.data(), {(rows + 127) / 128, (cols + 127) / 128}};
  int64_t turn = 0;
  const auto once = [&] {
    args.weight.data = weights.data + turn++ % copies * bytes;
    linear(args, threads);
  };
  once();
  const int64_t calls = std::max<int64_t>(1, int64_t(kLeastSeconds / seconds(once)));
  const Spread time = measure([&] {
    for (int64_t i = 0; i < calls; ++i) once();
  });
  const double each = time.median / double(calls);
  const double gigabytes = double(bytes) / each / 1e9;
  const double gigaflops = 2 * double(rows * cols * tokens) / each / 1e9;
  std::printf(
      "%6lld x %-5lld %-5s %4lld %10.1f us  (%.1f ... %.1f)  %6.1f GB/s %3.0f %%  %7.1f"
      " GFLOP/s %3.0f %%\n",
      static_cast<long long>(rows), static_cast<long long>(cols),
      type == Number::FP8 ? "fp8" : "bf16", static_cast<long long>(tokens), each * 1e6,
      time.best / double(calls) * 1e6, time.worst / double(calls) * 1e6, gigabytes,
      100 * gigabytes * 1e9 / ceilings.read.best, gigaflops,
      100 * gigaflops * 1e9 / ceilings.arithmetic.best);
  std::fflush(stdout);
}

void print(const char* what, const Spread& s) {
  std::printf("%-28s best %.1f, median %.1f, worst %.1f G/s\n", what, s.best / 1e9, s.median / 1e9,
              s.worst / 1e9);
}

}  // namespace

int main(int argc, char** argv) {
  const Instructions level = best_instructions();
  if (level == Instructions::Plain) {
    std::printf("this processor has no fast kernels\n");
    return 0;
  }
  const LinearKernel linear = level == Instructions::Avx512 ? simd::linear<Instructions::Avx512>
                                                            : simd::linear<Instructions::Avx2>;
  Threads threads(argc > 1 ? std::clamp(std::atoi(argv[1]), 1, Threads::kMost) : usable_cores());
  const Memory weights(kStreamBytes);
  Ceilings ceilings{};
  {
    Threads one(1);
    print("read, 1 thread", read_bandwidth(one, weights.data));
    print("arithmetic, 1 thread", arithmetic_peak(one, level));
  }
  print("read, all threads", ceilings.read = read_bandwidth(threads, weights.data));
  print("arithmetic, all threads", ceilings.arithmetic = arithmetic_peak(threads, level));
  std::printf("%d threads, %s\n\n", threads.count(), std::string(to_text(level)).c_str());

  for (const Shape shape : {Shape{2048, 2048}, {6144, 2048}, {2048, 512}, {32000, 2048}})
    for (const Number type : {Number::BF16, Number::FP8})
      for (const int64_t tokens : {1, 4, 16, 64, 512})
        time_shape(linear, threads, weights, shape, type, tokens, ceilings);

  print("read, all threads, again", read_bandwidth(threads, weights.data));
  print("arithmetic, again", arithmetic_peak(threads, level));
  return 0;
}
