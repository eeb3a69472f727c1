#include <cstdlib>
#include <string>

#include "bench/ceilings.h"
#include "kernels/linear.h"

// Linear layers against the machine's two ceilings, measured in the same run: reading memory, and
// vdpbf16ps (FMA where there is none). Weights are read from copies that together exceed the
// caches. Usage: bench_kernels [threads]

namespace {

constexpr int64_t kStreamBytes = 256 << 20;
constexpr double kLeastSeconds = 0.02;  // of one repeat

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

using bench::Ceilings;
using bench::Spread;
using LinearKernel = void (*)(const Linear&, Threads&);

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
  const double one = bench::measure(once).best;
  const int64_t calls = std::max<int64_t>(1, int64_t(kLeastSeconds / one));
  const Spread time = bench::measure([&] {
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
    print("read, 1 thread", bench::read_bandwidth(one, weights.data, kStreamBytes));
    print("arithmetic, 1 thread", bench::arithmetic_peak(one, level));
  }
  print("read, all threads",
        ceilings.read = bench::read_bandwidth(threads, weights.data, kStreamBytes));
  print("arithmetic, all threads", ceilings.arithmetic = bench::arithmetic_peak(threads, level));
  std::printf("%d threads, %s\n\n", threads.count(), std::string(to_text(level)).c_str());

  for (const Shape shape : {Shape{2048, 2048}, {6144, 2048}, {2048, 512}, {32000, 2048}})
    for (const Number type : {Number::BF16, Number::FP8})
      for (const int64_t tokens : {1, 4, 16, 64, 512})
        time_shape(linear, threads, weights, shape, type, tokens, ceilings);

  print("read, all threads, again", bench::read_bandwidth(threads, weights.data, kStreamBytes));
  print("arithmetic, again", bench::arithmetic_peak(threads, level));
  return 0;
}
