#include "kernels/indexer.h"

#include <algorithm>

#include "kernels/kernels.h"
#include "tests/kernels/agree.h"
#include "tests/kernels/filled_pages.h"

namespace {

using namespace kernel_test;

// Sums of 2 * dim products, some of them 32 * 32 as large as the rest, times weights that are as
// uneven: float's rounding of the largest, a few hundred times over.
constexpr Tolerance kFloatSums = {.absolute = 1e-3, .relative = 1e-5};

constexpr Number kTypes[] = {Number::F32, Number::BF16};

// One call's inputs, with room for its output.
struct Case {
  int64_t tokens = 1;
  int64_t heads = 1;
  int64_t dim = 2;
  std::vector<float> q = {};       // [tokens, heads, dim]
  std::vector<float> weight = {};  // [tokens, heads]
  std::vector<SeenPages> seen = {};
  int64_t columns = 0;  // of the score

  std::vector<float> scores(const FilledPages& pages, Instructions level, int threads = 1) const {
    std::vector<float> score = poisoned(tokens * columns);
    IndexerScores args;
    args.q = {q.data(), {tokens, heads, dim}};
    args.weight = {weight.data(), {tokens, heads}};
    args.seen = {seen.data(), {tokens}};
    args.offset = pages.offset();
    args.format = pages.format();
    args.score = {score.data(), {tokens, columns}};
    HostKernels(level, threads).indexer_scores(args);
    return score;
  }

  // Token t alone.
  Case alone(int64_t t) const {
    Case one = *this;
    one.tokens = 1;
    one.q.assign(q.begin() + t * heads * dim, q.begin() + (t + 1) * heads * dim);
    one.weight.assign(weight.begin() + t * heads, weight.begin() + (t + 1) * heads);
    one.seen = {seen[std::size_t(t)]};
    return one;
  }
};

Case draw_case(int64_t tokens, int64_t heads, int64_t dim, int64_t columns, uint64_t seed) {
  Case c;
  c.tokens = tokens;
  c.heads = heads;
  c.dim = dim;
  c.columns = columns;
  c.q = numbers(tokens * heads * dim, seed);
  c.weight = numbers(tokens * heads, seed + 1);
  return c;
}

}  // namespace

TEST_SUITE("kernels/indexer") {
  TEST_CASE("one head is a weighted ReLU of the dot product") {
    for (const Instructions level : levels()) {
      for (const Number type : kTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::IndexKeys, {.type = type, .width = 2},
                                {3, 4,      // dot = 11
                                 -3, -4});  // dot = -11, which ReLU drops
        Case c;
        c.q = {1, 2};
        c.weight = {0.5};
        c.seen = {pages.seen(2)};
        c.columns = 2;

        CHECK(c.scores(pages, level) == std::vector<float>{5.5, 0});
      }
    }
  }

  TEST_CASE("heads are weighted one by one, and a negative weight makes a negative score") {
    for (const Instructions level : levels()) {
      for (const Number type : kTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::IndexKeys, {.type = type, .width = 4},
                                {1, 0, 0, 0,   //
                                 0, 2, 0, 0,   //
                                 0, 0, 0, -3,  //
                                 1, 1, 1, 1});
        Case c;
        c.heads = 3;
        c.dim = 4;
        c.q = {1, 0, 0, 0,   // the dots are 1 0 0 1
               0, 5, 0, 0,   //              0 10 0 5
               0, 0, 0, 7};  //             0 0 -21 7
        c.weight = {10, -1, 0.5};
        c.seen = {pages.seen(4)};
        c.columns = 4;

        CHECK(c.scores(pages, level) == std::vector<float>{10, -10, 0, 8.5});
      }
    }
  }

  TEST_CASE("scores past `visible` are not written") {
    for (const Instructions level : levels()) {
      for (const Number type : kTypes) {
        for (const int64_t visible : {1, 15, 16, 63, 64, 65, 130}) {
          CAPTURE(to_text(level));
          CAPTURE(visible);
          const FilledPages pages(Layout::IndexKeys, {.type = type, .width = 2},
                                  std::vector<float>(2 * 200, 1.f));
          Case c;
          c.q = {1, 1};
          c.weight = {1};
          c.seen = {pages.seen(visible)};
          c.columns = 200;

          const std::vector<float> score = c.scores(pages, level);

          for (int64_t s = 0; s < 200; ++s) {
            CAPTURE(s);
            if (s < visible)
              REQUIRE(score[std::size_t(s)] == 2);
            else
              REQUIRE(std::isnan(score[std::size_t(s)]));
          }
        }
      }
    }
  }

  TEST_CASE("a NaN in a key is not dropped by ReLU and touches no other key") {
    for (const Instructions level : levels()) {
      for (const Number type : kTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::IndexKeys, {.type = type, .width = 2},
                                {1, 1, std::nanf(""), 1, 1, 1});
        Case c;
        c.q = {1, 1};
        c.weight = {1};
        c.seen = {pages.seen(3)};
        c.columns = 3;

        const std::vector<float> score = c.scores(pages, level);

        CHECK(score[0] == 2);
        CHECK(std::isnan(score[1]));
        CHECK(score[2] == 2);
      }
    }
  }

  TEST_CASE("every level agrees with the twin") {
    struct Shape {
      int64_t tokens, heads, dim, visible;
    };
    const Shape shapes[] = {{1, 1, 2, 1},    {2, 2, 6, 64},     {3, 3, 16, 65},
                            {1, 4, 24, 127}, {2, 5, 34, 300},   {2, 7, 64, 1100},
                            {1, 8, 128, 63}, {2, 16, 128, 257}, {1, 64, 128, 130}};
    for (const Number type : kTypes) {
      for (const Shape& shape : shapes) {
        const int64_t tokens = shape.tokens, heads = shape.heads, dim = shape.dim;
        const int64_t visible = shape.visible;
        const FilledPages pages(Layout::IndexKeys, {.type = type, .width = dim},
                                numbers(visible * dim, 3), 64);
        Case c = draw_case(tokens, heads, dim, visible, 7);
        for (int64_t t = 0; t < tokens; ++t) c.seen.push_back(pages.seen(visible - t));
        const std::vector<float> expected = c.scores(pages, Instructions::Plain);
        for (const Instructions level : levels()) {
          CAPTURE(to_text(level));
          CAPTURE(heads);
          CAPTURE(dim);
          CAPTURE(visible);
          CHECK(agree(c.scores(pages, level), expected, kFloatSums));
        }
      }
    }
  }

  TEST_CASE("a key's score does not depend on its place") {
    const int64_t dim = 32, visible = 200;
    const std::vector<float> keys = numbers(visible * dim, 5);
    std::vector<float> turned;  // in the opposite order
    for (int64_t s = visible - 1; s >= 0; --s)
      turned.insert(turned.end(), keys.begin() + s * dim, keys.begin() + (s + 1) * dim);
    for (const Instructions level : levels()) {
      for (const Number type : kTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::IndexKeys, {.type = type, .width = dim}, keys);
        const FilledPages others(Layout::IndexKeys, {.type = type, .width = dim}, turned);
        Case c = draw_case(1, 6, dim, visible, 9);

        c.seen = {pages.seen(visible)};
        const std::vector<float> score = c.scores(pages, level);
        c.seen = {others.seen(visible)};
        std::vector<float> back = c.scores(others, level);
        std::reverse(back.begin(), back.end());

        CHECK(same_bits(back, score));
      }
    }
  }

  TEST_CASE("a token has the same bits alone and in a batch, whatever the threads") {
    // More than a task's tokens and pages, with a common prefix and without.
    const int64_t tokens = 70, heads = 6, dim = 18, columns = 1200;
    for (const Number type : kTypes) {
      const PageFormat format = {.type = type, .width = dim};
      const FilledPages pages(Layout::IndexKeys, format, numbers(columns * dim, 5));
      const FilledPages others(Layout::IndexKeys, format, numbers(columns * dim, 6));
      Case c = draw_case(tokens, heads, dim, columns, 9);
      for (int64_t t = 0; t < tokens; ++t) {
        const FilledPages& own = t % 9 == 0 ? others : pages;
        c.seen.push_back(own.seen(t % 7 == 0 ? t + 1 : columns - 3 * t));
      }
      for (const Instructions level : levels()) {
        CAPTURE(to_text(level));
        const std::vector<float> expected = c.scores(pages, level);
        for (const int threads : {2, 3})
          CHECK(same_bits(c.scores(pages, level, threads), expected));
        for (const int64_t t : {0, 1, 7, 63, 64, 69}) {
          CAPTURE(t);
          const auto row = expected.begin() + t * columns;
          CHECK(same_bits(c.alone(t).scores(pages, level, 2), {row, row + columns}));
        }
      }
    }
  }

  TEST_CASE("pages that are copies give the same bits as pages that are shared") {
    const int64_t dim = 128, visible = 300;
    const std::vector<float> keys = numbers(visible * dim, 5);
    for (const Instructions level : levels()) {
      for (const Number type : kTypes) {
        CAPTURE(to_text(level));
        const FilledPages pages(Layout::IndexKeys, {.type = type, .width = dim}, keys, 128);
        const FilledPages copy(Layout::IndexKeys, {.type = type, .width = dim}, keys, 128);
        Case c = draw_case(3, 2, dim, visible, 9);

        c.seen = {pages.seen(visible), pages.seen(visible), pages.seen(visible)};
        const std::vector<float> shared = c.scores(pages, level);
        c.seen = {pages.seen(visible), copy.seen(visible), pages.seen(visible)};

        CHECK(same_bits(c.scores(pages, level), shared));
      }
    }
  }

  TEST_CASE("no tokens and nothing visible are no work") {
    for (const Instructions level : levels()) {
      const FilledPages pages(Layout::IndexKeys, {.type = Number::BF16, .width = 2}, {1, 1});
      Case c;
      c.tokens = 0;
      CHECK(c.scores(pages, level).empty());
      c = draw_case(2, 1, 2, 1, 3);
      c.seen = {pages.seen(0), pages.seen(1)};
      CHECK(std::isnan(c.scores(pages, level)[0]));
    }
  }
}
