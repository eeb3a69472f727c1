#include "kernels/attention.h"

#include "tests/kernels/attention_case.h"

namespace {

using namespace kernel_test;

// Float sums of up to 2048 rows with numbers up to 32, and scores whose rounding the softmax turns
// into relative errors of the weights.
constexpr Tolerance kFloatWeights = {.absolute = 1e-4, .relative = 1e-4};
// Weights rounded to bfloat16: 2^-9 of each, of rows with numbers up to 32.
constexpr Tolerance kRoundedWeights = {.absolute = 2e-2, .relative = 4e-3};
// All weights are 1: only the sums are rounded.
constexpr Tolerance kEqualWeights = {.absolute = 5e-6, .relative = 2e-6};

constexpr AttentionShape kShapes[] = {
    {1, 2, 2, 1, 1},         {4, 24, 16, 5, 3},       {4, 24, 16, 256, 256},
    {3, 26, 10, 257, 257},   {5, 34, 34, 300, 256},   {7, 70, 38, 600, 257},
    {2, 96, 64, 300, 290},   {12, 66, 64, 513, 513},  {20, 576, 512, 70, 33},
    {64, 576, 512, 17, 17},  {128, 48, 32, 40, 39},   {1, 576, 512, 600, 511},
    {33, 160, 128, 130, 65}, {16, 576, 512, 280, 257}};

}  // namespace

TEST_SUITE("kernels/attention") {
  TEST_CASE("rows that score alike are averaged") {
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = 4},
                                {1, 2, 0, 0,  //
                                 3, 6, 0, 0});
        AttentionCase c;
        c.q = {0, 0, 5, 5};
        c.seen = {pages.seen(2)};
        c.lists = {{kAll}};

        CHECK(c.attended(pages, level) == std::vector<float>{2, 4});
      }
    }
  }

  TEST_CASE("a row that scores more by ln 3 weighs three times as much") {
    const float ln3 = std::log(3.f);
    for (const Instructions level : levels()) {
      CAPTURE(to_text(level));
      const FilledPages pages(Layout::LatentRows, {.type = Number::F32, .width = 4},
                              {4, -4, 0, 0,  // (4 + 3 * 8) / 4 = 7
                               8, -8, 2 * ln3, 0});
      AttentionCase c;
      c.q = {0, 0, 1, 9};
      c.scale = 0.5;
      c.seen = {pages.seen(2)};
      c.lists = {{kAll}};

      CHECK(agree(c.attended(pages, level), std::vector<float>{7, -7}, {.absolute = 1e-6}));
    }
  }

  TEST_CASE("only the listed rows are read") {
    const float nan = std::nanf("");
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = 2},
                                {nan, nan,  //
                                 1, 2,      //
                                 nan, nan,  //
                                 3, 6,      //
                                 nan, nan});
        AttentionCase c;
        c.q = {0, 0};
        c.seen = {pages.seen(5)};
        c.lists = {{1, 3}};

        CHECK(c.attended(pages, level) == std::vector<float>{2, 4});
      }
    }
  }

  TEST_CASE("a NaN in a listed row shows in every head") {
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = 2},
                                {1, 1, std::nanf(""), 1, 1, 1});
        AttentionCase c;
        c.heads = 5;
        c.q = std::vector<float>(10, 1.f);
        c.seen = {pages.seen(3)};
        c.lists = {{kAll}};

        for (const float x : c.attended(pages, level)) CHECK(std::isnan(x));
      }
    }
  }

  TEST_CASE("equal rows give that row, whatever they score") {
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        for (const int64_t rows : {1, 2, 3, 64, 257, 512}) {
          CAPTURE(to_text(level));
          CAPTURE(rows);
          std::vector<float> equal;
          for (int64_t s = 0; s < rows; ++s) equal.insert(equal.end(), {1, -2, 0.5, 96});
          const FilledPages pages(Layout::LatentRows, {.type = type, .width = 4}, equal);
          AttentionCase c;
          c.latent = 4;
          c.q = {3, 1, 4, 1};
          c.seen = {pages.seen(rows)};
          c.lists = {{kAll}};

          CHECK(c.attended(pages, level) == std::vector<float>{1, -2, 0.5, 96});
        }
      }
    }
  }

  TEST_CASE("scores of +-10000 neither overflow nor lose their order") {
    // Rows 0 ... 599 score -10000 but for two in different blocks.
    std::vector<float> rows;
    for (int64_t s = 0; s < 600; ++s)
      rows.insert(rows.end(), {float(s), 1.f, s == 100 || s == 500 ? 100.f : -100.f, 0.f});
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = 4}, rows);
        AttentionCase c;
        c.q = {0, 0, 100, 0};
        c.seen = {pages.seen(600)};
        c.lists = {{kAll}};

        CHECK(c.attended(pages, level) == std::vector<float>{300, 1});
      }
    }
  }

  TEST_CASE("a block whose rows all weigh nothing beside another's leaves no trace") {
    std::vector<float> rows(2 * 256, 7.f);
    rows.insert(rows.end(), {3, 200});
    for (const Instructions level : levels()) {
      for (const Number type : kRowTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = 2}, rows);
        AttentionCase c;
        c.q = {0, 1};
        c.seen = {pages.seen(257)};
        c.lists = {{kAll}};

        CHECK(c.attended(pages, level) == std::vector<float>{3, 200});
      }
    }
  }

  TEST_CASE("every level agrees with the twin") {
    for (const Number type : kRowTypes) {
      for (const AttentionShape& shape : kShapes) {
        const FilledPages pages(Layout::LatentRows, {.type = type, .width = shape.width},
                                numbers(shape.visible * shape.width, 3), 128);
        const AttentionCase c = draw_case(shape, pages, 7);
        const std::vector<float> expected = c.attended(pages, Instructions::Plain);
        for (const Instructions level : levels()) {
          CAPTURE(to_text(level));
          CAPTURE(shape.heads);
          CAPTURE(shape.width);
          CAPTURE(shape.listed);
          const bool rounds = level == Instructions::Avx512 && type == Number::BF16;
          CHECK(
              agree(c.attended(pages, level), expected, rounds ? kRoundedWeights : kFloatWeights));
        }
      }
    }
  }

  TEST_CASE("where rows weigh the same every level agrees with the twin closely") {
    for (const AttentionShape& shape : kShapes) {
      const FilledPages pages(Layout::LatentRows, {.type = Number::BF16, .width = shape.width},
                              numbers(shape.visible * shape.width, 3));
      AttentionCase c = draw_case(shape, pages, 7);
      std::fill(c.q.begin(), c.q.end(), 0.f);
      const std::vector<float> expected = c.attended(pages, Instructions::Plain);
      for (const Instructions level : levels()) {
        CAPTURE(to_text(level));
        CAPTURE(shape.heads);
        CAPTURE(shape.width);
        CAPTURE(shape.listed);
        CHECK(agree(c.attended(pages, level), expected, kEqualWeights));
      }
    }
  }

  TEST_CASE("2048 listed rows of a published model's shape agree with the twin") {
    const AttentionShape shape = {16, 576, 512, 2500, 2048};
    const FilledPages pages(Layout::LatentRows, {.type = Number::BF16, .width = shape.width},
                            numbers(shape.visible * shape.width, 3));
    const AttentionCase c = draw_case(shape, pages, 7);
    const std::vector<float> expected = c.attended(pages, Instructions::Plain);
    for (const Instructions level : levels()) {
      CAPTURE(to_text(level));
      const bool rounds = level == Instructions::Avx512;
      CHECK(agree(c.attended(pages, level), expected, rounds ? kRoundedWeights : kFloatWeights));
    }
  }
}
