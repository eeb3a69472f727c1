#include <algorithm>

#include "tests/kernels/linear_kit.h"

using namespace kernel_test;

namespace {

constexpr int64_t kTokens[] = {1, 2, 3, 5, 7, 17, 64, 131};
constexpr int64_t kCols[] = {1, 7, 31, 32, 33, 64, 100, 128, 129, 576, 1000};
constexpr Rounding kRoundings[] = {Rounding::ToWeights, Rounding::None};

}  // namespace

TEST_SUITE("kernels/linear") {
  TEST_CASE("a linear layer is a dot product with each row") {
    const std::vector<float> x = {1, 2};
    const std::vector<float> w = {3, 4,    // 1 * 3 + 2 * 4 = 11
                                  -1, 1};  // -1 + 2 = 1
    const Matrix weight{.type = Number::F32, .rows = 2, .cols = 2, .data = w.data()};

    CHECK(multiply(cpu::linear, x, weight) == std::vector<float>{11, 1});
    Threads threads(1);
    for (const LinearLevel& level : linear_levels())
      CHECK(multiply(on(level, threads), x, weight) == std::vector<float>{11, 1});
  }

  TEST_CASE("inputs are rounded to bfloat16 unless the weights are float or it is switched off") {
    const std::vector<float> x = {1.00390625f};  // 1 + 2^-8, between two bfloat16 numbers
    const float one_float = 1;
    const Bfloat16 one = to_bfloat16(1);
    const Matrix floats{.type = Number::F32, .rows = 1, .cols = 1, .data = &one_float};
    const Matrix halves{.type = Number::BF16, .rows = 1, .cols = 1, .data = &one};

    CHECK(multiply(cpu::linear, x, floats) == x);
    CHECK(multiply(cpu::linear, x, halves) == std::vector<float>{1});
    CHECK(multiply(cpu::linear, x, halves, Rounding::None) == x);
    Threads threads(1);
    for (const LinearLevel& level : linear_levels()) {
      CHECK(multiply(on(level, threads), x, floats) == x);
      CHECK(multiply(on(level, threads), x, halves) == std::vector<float>{1});
      CHECK(multiply(on(level, threads), x, halves, Rounding::None) == x);
    }
  }

  TEST_CASE("scales cover a block of rows and columns, or one row") {
    const std::vector<int8_t> w(129 * 129, 1);
    const std::vector<float> scale = {1, 10, 100, 1000};
    Matrix weight{.type = Number::Int8, .rows = 129, .cols = 129, .data = w.data()};
    weight.scale = {scale.data(), {2, 2}};
    const std::vector<float> x(129, 1.f);

    const std::vector<float> y = multiply(cpu::linear, x, weight);

    CHECK(y[127] == 128 * 1 + 10);
    CHECK(y[128] == 128 * 100 + 1000);
    weight.rows = 2;
    weight.scale_rows = 1;
    CHECK(multiply(cpu::linear, x, weight) == std::vector<float>{138, 13800});
  }

  TEST_CASE("fast linear layers agree with the twin") {
    Threads threads(2);
    for (const Number type : kNumbers) {
      for (const int64_t cols : kCols) {
        const Weights w(type, cols % 2 ? 129 : 6, cols, 1);
        for (const int64_t tokens : kTokens) {
          const std::vector<float> x = numbers(tokens * cols, 2);
          for (const Rounding rounding : kRoundings) {
            const std::vector<float> expected = multiply(cpu::linear, x, w.matrix(), rounding);
            for (const LinearLevel& level : linear_levels()) {
              CAPTURE(level.name);
              CAPTURE(int(type));
              CAPTURE(cols);
              CAPTURE(tokens);
              CHECK(agree(multiply(on(level, threads), x, w.matrix(), rounding), expected,
                          sum_tolerance(cols)));
            }
          }
        }
      }
    }
  }

  TEST_CASE("every 8-bit number is decoded exactly") {
    constexpr int64_t codes = 256;
    for (const Number type : {Number::FP8, Number::Int8}) {
      Weights w(type, 1, codes, 1);
      for (int64_t c = 0; c < codes; ++c) *w.number(0, c) = uint8_t(c);
      if (type == Number::FP8) *w.number(0, 0x7F) = *w.number(0, 0xFF) = 0;
      if (type == Number::Int8) *w.number(0, 0x80) = 0;
      std::vector<float> unit(codes * codes, 0.f);
      for (int64_t c = 0; c < codes; ++c) unit[std::size_t(c * codes + c)] = 1;

      Threads threads(1);
      for (const Rounding rounding : kRoundings)
        for (const LinearLevel& level : linear_levels())
          CHECK(agree(multiply(on(level, threads), unit, w.matrix(), rounding),
                      multiply(cpu::linear, unit, w.matrix(), rounding)));
    }
  }

  TEST_CASE("a NaN weight makes its row NaN and no other") {
    Threads threads(1);
    for (const int nan : {0x7F, 0xFF}) {
      for (const int64_t tokens : {1, 3, 8}) {
        Weights w(Number::FP8, 5, 200, 1);
        *w.number(2, 150) = uint8_t(nan);
        const std::vector<float> x = numbers(tokens * 200, 2);
        for (const LinearLevel& level : linear_levels()) {
          const std::vector<float> y = multiply(on(level, threads), x, w.matrix());
          for (int64_t i = 0; i < tokens * 5; ++i)
            CHECK(std::isnan(y[std::size_t(i)]) == (i % 5 == 2));
        }
      }
    }
  }

  TEST_CASE("infinite and NaN inputs stay in their row") {
    Threads threads(1);
    for (const Number type : kNumbers) {
      const Weights w(type, 5, 70, 1);
      std::vector<float> x = numbers(8 * 70, 2);
      const std::vector<float> clean = x;
      x[3 * 70 + 69] = std::nanf("");
      for (const LinearLevel& level : linear_levels()) {
        const std::vector<float> y = multiply(on(level, threads), x, w.matrix());
        const std::vector<float> expected = multiply(on(level, threads), clean, w.matrix());
        for (int64_t i = 0; i < 8 * 5; ++i) {
          if (i / 5 == 3) CHECK(std::isnan(y[std::size_t(i)]));
          if (i / 5 != 3) CHECK(y[std::size_t(i)] == expected[std::size_t(i)]);
        }
      }
    }
  }

  TEST_CASE("a row of x gives the same bits alone and in any company") {
    Threads threads(2);
    for (const Number type : kNumbers) {
      for (const int64_t cols : {33, 129, 576, 4200}) {
        const Weights w(type, 37, cols, 1);
        const std::vector<float> x = numbers(64 * cols, 2);
        for (const Rounding rounding : kRoundings) {
          for (const LinearLevel& level : linear_levels()) {
            CAPTURE(level.name);
            CAPTURE(int(type));
            const std::vector<float> all = multiply(on(level, threads), x, w.matrix(), rounding);
            for (const int64_t count : {1, 2, 3, 4, 5, 6, 7, 13, 40}) {
              CAPTURE(count);
              const int64_t first = 64 - count - count / 7;
              const std::vector<float> part = multiply(
                  on(level, threads), rows_of(x, cols, first, count), w.matrix(), rounding);
              CHECK(same_bits(part, rows_of(all, 37, first, count)));
            }
          }
        }
      }
    }
  }

  TEST_CASE("more rows of x than are packed at one time give the same bits") {
    constexpr int64_t tokens = 4500, cols = 1000;  // 9 MB of bfloat16, 18 MB of float
    const std::vector<float> x = numbers(tokens * cols, 2);
    Threads threads(2);
    for (const Number type : {Number::F32, Number::BF16}) {
      const Weights w(type, 3, cols, 1);
      for (const LinearLevel& level : linear_levels()) {
        const std::vector<float> all = multiply(on(level, threads), x, w.matrix());
        for (const int64_t t : {0, 125, 126, 2000, 4194, 4195, 4196, 4499})
          CHECK(same_bits(multiply(on(level, threads), rows_of(x, cols, t, 1), w.matrix()),
                          rows_of(all, 3, t, 1)));
      }
    }
  }

  TEST_CASE("the number of threads does not show") {
    Threads one(1), two(2), three(3);
    for (const Number type : kNumbers) {
      const Weights w(type, 300, 1000, 1);
      for (const int64_t tokens : {1, 9, 130}) {
        const std::vector<float> x = numbers(tokens * 1000, 2);
        for (const LinearLevel& level : linear_levels()) {
          const std::vector<float> y = multiply(on(level, one), x, w.matrix());
          CHECK(same_bits(multiply(on(level, two), x, w.matrix()), y));
          CHECK(same_bits(multiply(on(level, three), x, w.matrix()), y));
        }
      }
    }
  }

  TEST_CASE("a slice of the weights gives the bits of the whole") {
    constexpr int64_t rows = 300, cols = 200;
    Threads threads(2);
    for (const Number type : kNumbers) {
      const Weights w(type, rows, cols, 1);
      for (const int64_t tokens : {1, 4, 20}) {
        const std::vector<float> x = numbers(tokens * cols, 2);
        for (const LinearLevel& level : linear_levels()) {
          const std::vector<float> whole = multiply(on(level, threads), x, w.matrix());
          for (const int64_t first : {0, 1, 127, 130, 255}) {
            CAPTURE(first);
            const int64_t count = std::min<int64_t>(rows - first - 3, 130);
            const Matrix slice = w.matrix().part(first, count + 3).part(3, count);
            const std::vector<float> y = multiply(on(level, threads), x, slice);
            for (int64_t t = 0; t < tokens; ++t)
              CHECK(same_bits(rows_of(y, count, t, 1),
                              {&whole[std::size_t(t * rows + first + 3)], std::size_t(count)}));
          }
        }
      }
    }
  }

  TEST_CASE("no tokens and no rows are no work") {
    Threads threads(2);
    const Weights w(Number::BF16, 0, 8, 1);
    for (const LinearLevel& level : linear_levels()) {
      CHECK(multiply(on(level, threads), {}, w.matrix()).empty());
      CHECK(multiply(on(level, threads), numbers(8, 1), w.matrix()).empty());
    }
  }
}
