// Linear layers on the device: against the twins, and what may not change their bits.
#include "tests/kernels/cuda_kit.h"
#include "tests/kernels/linear_kit.h"

using namespace kernel_test;

namespace {

std::vector<float> multiplied(Kernels& kernels, const std::vector<float>& x, const Matrix& weight,
                              Rounding rounding = Rounding::ToWeights) {
  OnDevice device(kernels);
  const int64_t tokens = int64_t(x.size()) / weight.cols;
  Linear args;
  args.x = device.put(x, {tokens, weight.cols});
  args.weight = device.put(weight);
  const auto y = device.put(poisoned(tokens * weight.rows), {tokens, weight.rows});
  args.y = y;
  args.rounding = rounding;
  kernels.linear(args);
  return device.get(y);
}

// Matrices of one shape, tokens of each, and y of them all.
std::vector<float> grouped(Kernels& kernels, const std::vector<Weights>& weights,
                           const std::vector<int32_t>& first, const std::vector<float>& x) {
  OnDevice device(kernels);
  const int64_t cols = weights[0].matrix().cols, rows = weights[0].matrix().rows;
  const int64_t pairs = first.back(), experts = int64_t(weights.size());
  std::vector<Matrix> matrices;
  for (const Weights& each : weights) matrices.push_back(device.put(each.matrix()));
  const auto y = device.put(poisoned(pairs * rows), {pairs, rows});
  kernels.grouped_linear({.x = device.put(x, {pairs, cols}),
                          .weight = device.put(matrices, {experts}),
                          .first = device.put(first, {experts + 1}),
                          .y = y});
  return device.get(y);
}

constexpr int64_t kHeads = 3, kNope = 10, kValue = 7, kStride = kNope + kValue;

std::vector<float> absorbed(Kernels& kernels, const std::vector<float>& x, const Matrix& weight) {
  OnDevice device(kernels);
  const int64_t tokens = int64_t(x.size()) / (kHeads * kNope);
  const auto y = device.put(poisoned(tokens * kHeads * weight.cols), {tokens, kHeads, weight.cols});
  kernels.absorb_query({.x = device.put(x, {tokens, kHeads, kNope}),
                        .weight = device.put(weight),
                        .stride = kStride,
                        .y = y});
  return device.get(y);
}

std::vector<float> expanded(Kernels& kernels, const std::vector<float>& x, const Matrix& weight) {
  OnDevice device(kernels);
  const int64_t tokens = int64_t(x.size()) / (kHeads * weight.cols);
  const auto y = device.put(poisoned(tokens * kHeads * kValue), {tokens, kHeads, kValue});
  kernels.expand_value({.x = device.put(x, {tokens, kHeads, weight.cols}),
                        .weight = device.put(weight),
                        .stride = kStride,
                        .skip = kNope,
                        .y = y});
  return device.get(y);
}

}  // namespace

TEST_SUITE("kernels/cuda_linear") {
  TEST_CASE("products agree with the twin") {
    struct Shape {
      int64_t tokens, rows, cols;
    };
    for (const Number type : kNumbers) {
      for (const Shape& s :
           {Shape{1, 1, 1}, Shape{2, 9, 31}, Shape{8, 7, 129}, Shape{17, 33, 300}}) {
        CAPTURE(int(type));
        CAPTURE(s.cols);
        const Weights w(type, s.rows, s.cols, 1);
        const std::vector<float> x = numbers(s.tokens * s.cols, 2);
        for (const Rounding rounding : {Rounding::ToWeights, Rounding::None}) {
          const std::vector<float> expected = multiply(cpu::linear, x, w.matrix(), rounding);
          for_cuda_kernels([&](Kernels& kernels) {
            CHECK(agree(multiplied(kernels, x, w.matrix(), rounding), expected,
                        sum_tolerance(s.cols)));
          });
        }
      }
    }
  }

  TEST_CASE("a slice of rows that begins within a block of scales uses that block") {
    for (const Number type : {Number::FP8, Number::Int8}) {
      const Weights w(type, 300, 140, 1);
      const Matrix part = w.matrix().part(120, 20);
      const std::vector<float> x = numbers(3 * 140, 2);
      const std::vector<float> expected = multiply(cpu::linear, x, part);
      for_cuda_kernels([&](Kernels& kernels) {
        CHECK(agree(multiplied(kernels, x, part), expected, sum_tolerance(140)));
      });
    }
  }

  TEST_CASE("a token has the same bits alone and among any others, 20 times over") {
    const int64_t tokens = 19, cols = 200, rows = 12;
    const std::vector<float> x = numbers(tokens * cols, 2);
    for (const Number type : kNumbers) {
      const Weights w(type, rows, cols, 1);
      for_cuda_kernels([&](Kernels& kernels) {
        const std::vector<float> together = multiplied(kernels, x, w.matrix());
        for (int repeat = 0; repeat < 20; ++repeat)
          REQUIRE(same_bits(multiplied(kernels, x, w.matrix()), together));
        for (int64_t t = 0; t < tokens; ++t)
          REQUIRE(same_bits(multiplied(kernels, rows_of(x, cols, t, 1), w.matrix()),
                            rows_of(together, rows, t, 1)));
      });
    }
  }

  TEST_CASE("each expert's pairs have the bits of a linear layer, experts without any too") {
    const int64_t rows = 10, cols = 150;
    const std::vector<int32_t> first = {0, 0, 1, 12, 12, 13, 40, 40};
    const std::vector<float> x = numbers(40 * cols, 2);
    for (const Number type : kNumbers) {
      std::vector<Weights> weights;
      weights.reserve(7);
      for (uint64_t e = 0; e < 7; ++e) weights.emplace_back(type, rows, cols, e);
      for_cuda_kernels([&](Kernels& kernels) {
        const std::vector<float> y = grouped(kernels, weights, first, x);
        for (std::size_t e = 0; e < 7; ++e) {
          CAPTURE(e);
          const int64_t count = first[e + 1] - first[e];
          if (count > 0)
            CHECK(same_bits(
                rows_of(y, rows, first[e], count),
                multiplied(kernels, rows_of(x, cols, first[e], count), weights[e].matrix())));
        }
      });
    }
  }

  TEST_CASE("queries are absorbed as in the twin, each token's by itself") {
    const int64_t latent = 300, tokens = 11;
    const std::vector<float> x = numbers(tokens * kHeads * kNope, 2);
    for (const Number type : kNumbers) {
      const Weights w(type, kHeads * kStride, latent, 1);
      std::vector<float> expected = poisoned(tokens * kHeads * latent);
      cpu::absorb_query({.x = {x.data(), {tokens, kHeads, kNope}},
                         .weight = w.matrix(),
                         .stride = kStride,
                         .y = {expected.data(), {tokens, kHeads, latent}}});
      for_cuda_kernels([&](Kernels& kernels) {
        const std::vector<float> y = absorbed(kernels, x, w.matrix());
        CHECK(agree(y, expected, sum_tolerance(kNope)));
        for (const int64_t t : {int64_t(0), tokens - 1})
          CHECK(same_bits(absorbed(kernels, rows_of(x, kHeads * kNope, t, 1), w.matrix()),
                          rows_of(y, kHeads * latent, t, 1)));
      });
    }
  }

  TEST_CASE("expanding a latent has the bits of a linear layer for each head") {
    const int64_t latent = 130, tokens = 9;
    const std::vector<float> x = numbers(tokens * kHeads * latent, 2);
    for (const Number type : kNumbers) {
      const Weights w(type, kHeads * kStride, latent, 1);
      for_cuda_kernels([&](Kernels& kernels) {
        const std::vector<float> y = expanded(kernels, x, w.matrix());
        for (int64_t i = 0; i < tokens * kHeads; ++i)
          CHECK(same_bits(rows_of(y, kValue, i, 1),
                          multiplied(kernels, rows_of(x, latent, i, 1),
                                     w.matrix().part(i % kHeads * kStride + kNope, kValue))));
      });
    }
  }
}
