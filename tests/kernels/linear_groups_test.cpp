#include "tests/kernels/linear_kit.h"

// Experts and heads: many small products at once.

using namespace kernel_test;

namespace {

struct Experts {
  std::vector<Weights> weights;
  std::vector<Matrix> matrix;
  std::vector<int32_t> first;

  // Expert e has sizes[e] pairs.
  Experts(Number type, int64_t rows, int64_t cols, const std::vector<int32_t>& sizes) : first{0} {
    weights.reserve(sizes.size());
    for (const int32_t size : sizes) {
      weights.emplace_back(type, rows, cols, 10 + weights.size());
      matrix.push_back(weights.back().matrix());
      first.push_back(first.back() + size);
    }
  }
  GroupedLinear args(const std::vector<float>& x, std::vector<float>& y) const {
    const int64_t pairs = first.back(), experts = int64_t(matrix.size());
    return {.x = view(x, {pairs, matrix[0].cols}),
            .weight = {matrix.data(), {experts}},
            .first = {first.data(), {experts + 1}},
            .y = view(y, {pairs, matrix[0].rows})};
  }
};

constexpr int64_t kHeads = 3, kNope = 5, kValue = 6, kStride = kNope + kValue;

}  // namespace

TEST_SUITE("kernels/linear_groups") {
  TEST_CASE("each expert has the bits of its own linear layer") {
    const std::vector<int32_t> sizes = {3, 0, 1, 7, 0, 130};
    Threads threads(2);
    for (const Number type : kNumbers) {
      const Experts experts(type, 70, 200, sizes);
      const std::vector<float> x = numbers(experts.first.back() * 200, 2);
      for (const LinearLevel& level : linear_levels()) {
        CAPTURE(level.name);
        std::vector<float> y = poisoned(experts.first.back() * 70);
        level.grouped_linear(experts.args(x, y), threads);
        for (std::size_t e = 0; e < sizes.size(); ++e) {
          const std::vector<float> mine = rows_of(x, 200, experts.first[e], sizes[e]);
          CHECK(same_bits(rows_of(y, 70, experts.first[e], sizes[e]),
                          multiply(on(level, threads), mine, experts.matrix[e])));
        }
      }
    }
  }

  TEST_CASE("fast grouped layers agree with the twin") {
    Threads threads(2);
    for (const Number type : kNumbers) {
      const Experts experts(type, 33, 130, {0, 2, 9, 1});
      const std::vector<float> x = numbers(12 * 130, 2);
      std::vector<float> expected = poisoned(12 * 33);
      cpu::grouped_linear(experts.args(x, expected));
      for (const LinearLevel& level : linear_levels()) {
        std::vector<float> y = poisoned(12 * 33);
        level.grouped_linear(experts.args(x, y), threads);
        CHECK(agree(y, expected, sum_tolerance(130)));
      }
    }
  }

  TEST_CASE("more experts than are packed at one time give the same bits") {
    const Experts experts(Number::BF16, 2, 8, std::vector<int32_t>(1100, 1));
    const std::vector<float> x = numbers(1100 * 8, 2);
    Threads threads(2);
    for (const LinearLevel& level : linear_levels()) {
      std::vector<float> y = poisoned(1100 * 2);
      level.grouped_linear(experts.args(x, y), threads);
      for (const int64_t e : {0, 511, 512, 1023, 1024, 1099})
        CHECK(same_bits(rows_of(y, 2, e, 1), multiply(on(level, threads), rows_of(x, 8, e, 1),
                                                      experts.matrix[std::size_t(e)])));
    }
  }

  TEST_CASE("absorbing a query sums its head's rows") {
    const std::vector<float> w = {1, 2, 3, 4, 0, 9,   // head 0: two key rows, one value row
                                  5, 6, 7, 8, 9, 0};  // head 1
    const Matrix weight{.type = Number::F32, .rows = 6, .cols = 2, .data = w.data()};
    const std::vector<float> x = {1, 10,    // 1 * (1, 2) + 10 * (3, 4)
                                  2, 100};  // 2 * (5, 6) + 100 * (7, 8)
    std::vector<float> y = poisoned(4);
    cpu::absorb_query(
        {.x = view(x, {1, 2, 2}), .weight = weight, .stride = 3, .y = view(y, {1, 2, 2})});
    CHECK(y == std::vector<float>{31, 42, 710, 812});
  }

  TEST_CASE("fast absorption agrees with the twin, and tokens do not meet") {
    Threads one(1), two(2);
    for (const Number type : kNumbers) {
      for (const int64_t latent : {1, 15, 64, 129, 300, 512}) {
        const Weights w(type, kHeads * kStride, latent, 1);
        for (const int64_t tokens : {1, 2, 3, 4, 9}) {
          const std::vector<float> x = numbers(tokens * kHeads * kNope, 2);
          const auto absorb = [&](const auto& kernel, int64_t first, int64_t count) {
            std::vector<float> y = poisoned(count * kHeads * latent);
            kernel({.x = view(x, {tokens, kHeads, kNope}).part(first, count),
                    .weight = w.matrix(),
                    .stride = kStride,
                    .y = view(y, {count, kHeads, latent})});
            return y;
          };
          const std::vector<float> expected = absorb(cpu::absorb_query, 0, tokens);
          for (const LinearLevel& level : linear_levels()) {
            CAPTURE(level.name);
            CAPTURE(int(type));
            CAPTURE(latent);
            CAPTURE(tokens);
            const auto in_one = [&](const AbsorbQuery& a) { level.absorb_query(a, one); };
            const auto in_two = [&](const AbsorbQuery& a) { level.absorb_query(a, two); };
            const std::vector<float> y = absorb(in_two, 0, tokens);
            CHECK(agree(y, expected, sum_tolerance(kNope)));
            CHECK(same_bits(absorb(in_one, 0, tokens), y));
            CHECK(same_bits(absorb(in_two, tokens - 1, 1),
                            rows_of(y, kHeads * latent, tokens - 1, 1)));
          }
        }
      }
    }
  }

  TEST_CASE("expanding a latent has the bits of a linear layer for each head") {
    constexpr int64_t latent = 130;
    Threads threads(2);
    for (const Number type : kNumbers) {
      const Weights w(type, kHeads * kStride, latent, 1);
      for (const int64_t tokens : {1, 2, 9}) {
        const std::vector<float> x = numbers(tokens * kHeads * latent, 2);
        const auto expand = [&](const auto& kernel) {
          std::vector<float> y = poisoned(tokens * kHeads * kValue);
          kernel({.x = view(x, {tokens, kHeads, latent}),
                  .weight = w.matrix(),
                  .stride = kStride,
                  .skip = kNope,
                  .y = view(y, {tokens, kHeads, kValue})});
          return y;
        };
        const std::vector<float> expected = expand(cpu::expand_value);
        for (const LinearLevel& level : linear_levels()) {
          CAPTURE(level.name);
          CAPTURE(int(type));
          const std::vector<float> y =
              expand([&](const ExpandValue& a) { level.expand_value(a, threads); });
          CHECK(agree(y, expected, sum_tolerance(latent)));
          for (int64_t t = 0; t < tokens; ++t)
            for (int64_t h = 0; h < kHeads; ++h)
              CHECK(same_bits(rows_of(y, kValue, t * kHeads + h, 1),
                              multiply(on(level, threads), rows_of(x, latent, t * kHeads + h, 1),
                                       w.matrix().part(h * kStride + kNope, kValue))));
        }
      }
    }
  }
}
