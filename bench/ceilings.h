#pragma once

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "kernels/instructions.h"
#include "kernels/threads.h"

// What this machine can do at most, measured in the same run as what is held against it: bytes read
// from memory, and products summed by the level's best instruction.
namespace bench {

// One call is one sample, after one that warms up. Short samples find quiet moments on a machine
// that has other work too: there the best says what the code can do, and the median what it got.
constexpr int kSamplesLeast = 9;
constexpr int kSamplesMost = 2000;
constexpr double kSecondsMost = 0.5;  // for all samples together, once there are kSamplesLeast

// Times in seconds, or rates.
struct Spread {
  double best = 0, median = 0, worst = 0;
};

template <class Work>
Spread measure(const Work& work) {
  work();
  std::vector<double> times;
  double total = 0;
  while (times.size() < kSamplesLeast || (total < kSecondsMost && times.size() < kSamplesMost)) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    times.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    total += times.back();
  }
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2], times.back()};
}

inline Spread rate(double work, const Spread& time) {
  return {work / time.best, work / time.median, work / time.worst};
}

__attribute__((target("avx2"))) inline int64_t read_all(const unsigned char* p, int64_t bytes) {
  __m256i sum[4] = {};
  for (int64_t i = 0; i < bytes; i += 128) {
    for (int j = 0; j < 4; ++j)
      sum[j] = _mm256_xor_si256(
          sum[j], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + i + 32 * j)));
    _mm_prefetch(reinterpret_cast<const char*>(p + i + 4096), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(p + i + 4096 + 64), _MM_HINT_T0);
  }
  return _mm256_extract_epi64(
      _mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]), _mm256_xor_si256(sum[2], sum[3])), 0);
}

// Bytes a second. A sample reads the next kSample bytes, in pieces. REQUIRES: `bytes` is a multiple
// of kSample, and larger than the caches.
inline Spread read_bandwidth(Threads& threads, const unsigned char* data, int64_t bytes) {
  constexpr int64_t kSample = 32 << 20, kPiece = 256 << 10;
  std::vector<int64_t> sink(std::size_t(kSample / kPiece), 0);
  int64_t begin = 0;
  return rate(double(kSample), measure([&] {
                threads.run(kSample / kPiece, [&](int64_t i) {
                  sink[std::size_t(i)] = read_all(data + begin + i * kPiece, kPiece);
                });
                begin = (begin + kSample) % bytes;
              }));
}

constexpr int64_t kPeakRounds = 100'000;

// 12 chains are enough to hide the latency. They begin with different numbers, or the compiler
// would see that they are one.
__attribute__((target("avx512f,avx512bf16,avx512bw"))) inline float dot_rounds() {
  __m512 sum[12];
  for (int i = 0; i < 12; ++i) sum[i] = _mm512_set1_ps(float(i));
  const auto x = (__m512bh)_mm512_set1_epi16(0x3F80);
  for (int64_t i = 0; i < kPeakRounds; ++i) {
#pragma GCC unroll 12
    for (auto& s : sum) s = _mm512_dpbf16_ps(s, x, x);
  }
  float total = 0;
  for (const auto& s : sum) total += s[0];
  return total;
}

__attribute__((target("avx2,fma"))) inline float fma_rounds() {
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

// Floating-point operations a second, all threads together. REQUIRES: the processor has the level.
inline Spread arithmetic_peak(Threads& threads, Instructions level) {
  const bool dot = level == Instructions::Avx512;
  std::vector<float> sink(std::size_t(threads.count()), 0.f);
  const double work = double(threads.count()) * double(kPeakRounds) * 12 * (dot ? 64 : 16);
  return rate(work, measure([&] {
                threads.run(threads.count(), [&](int64_t i) {
                  sink[std::size_t(i)] = dot ? dot_rounds() : fma_rounds();
                });
              }));
}

struct Ceilings {
  Spread read;
  Spread arithmetic;
};

inline Ceilings measure_ceilings(const char* when, Threads& threads, Instructions level,
                                 const unsigned char* data, int64_t bytes) {
  const Ceilings c = {read_bandwidth(threads, data, bytes), arithmetic_peak(threads, level)};
  std::printf("%s: read %.1f (median %.1f) GB/s, arithmetic %.1f (median %.1f) GFLOP/s\n", when,
              c.read.best / 1e9, c.read.median / 1e9, c.arithmetic.best / 1e9,
              c.arithmetic.median / 1e9);
  return c;
}

}  // namespace bench
