#include "kernels/top_k.h"

#include <algorithm>
#include <numeric>

#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"
#include "tests/kernels/odd_numbers.h"

using namespace kernel_test;

namespace {

constexpr float kInfinity = INFINITY;
constexpr int32_t kPoison = -77;

struct Case {
  int64_t rows = 1, columns = 0;
  int32_t k = 0;
  std::vector<float> score = {};
  std::vector<int32_t> visible = std::vector<int32_t>(rows, int32_t(columns));
  std::vector<int32_t> selected = std::vector<int32_t>(rows * k, kPoison);
  std::vector<int32_t> found = std::vector<int32_t>(rows, kPoison);

  TopK args() {
    return {.score = view(score, {rows, columns}),
            .visible = view(visible, {rows}),
            .k = k,
            .selected = view(selected, {rows, int64_t(k)}),
            .found = view(found, {rows})};
  }
};

Case one_row(std::vector<float> score, int32_t k) {
  return {.rows = 1, .columns = int64_t(score.size()), .k = k, .score = score};
}

// What the row of a case must select, found another way than in the twin: an element is selected
// if fewer than k others come before it.
std::vector<int32_t> by_counting(const float* row, int32_t visible, int32_t k) {
  std::vector<int32_t> selected;
  for (int32_t i = 0; i < visible; ++i) {
    int32_t before = 0;
    for (int32_t j = 0; j < visible; ++j) before += row[j] > row[i] || (row[j] == row[i] && j < i);
    if (before < k) selected.push_back(i);
  }
  return selected;
}

void check_against_sorting(HostKernels& kernels, Case c, const Case& expected) {
  kernels.top_k(c.args());
  REQUIRE(c.found == expected.found);
  REQUIRE(c.selected == expected.selected);
}

}  // namespace

TEST_SUITE("kernels/top_k") {
  TEST_CASE("the largest are selected, in the order of their indices") {
    Case c = one_row({1, 9, -3, 7, 8}, 3);

    cpu::top_k(c.args());

    CHECK(c.found[0] == 3);
    CHECK(c.selected == std::vector<int32_t>{1, 3, 4});
  }

  TEST_CASE("of equal scores the lower index wins, and -0 equals 0") {
    Case c = one_row({-0.f, 5, 0.f, -0.f, 5, 0.f}, 4);

    cpu::top_k(c.args());

    CHECK(c.selected == std::vector<int32_t>{0, 1, 2, 4});
  }

  TEST_CASE("scores past `visible` do not count, and k or fewer are all selected") {
    Case c = one_row({1, 2, 3, 100}, 4);
    c.visible = {3};

    cpu::top_k(c.args());

    CHECK(c.found[0] == 3);
    CHECK(c.selected == std::vector<int32_t>{0, 1, 2, kPoison});
  }

  TEST_CASE("a NaN among the visible makes a row select nothing, whatever its length") {
    for (const int64_t columns : {2, 40}) {
      Case c{.rows = 2, .columns = columns, .k = 3};
      c.score = std::vector<float>(2 * columns, 1);
      c.score[columns - 1] = -NAN;  // hidden in the first row, seen in the second
      c.score[2 * columns - 1] = NAN;
      c.visible = {int32_t(columns) - 1, int32_t(columns)};
      Case expected = c;
      cpu::top_k(expected.args());
      CHECK(expected.found == std::vector<int32_t>{std::min(3, int32_t(columns) - 1), -1});
      CHECK(expected.selected[3] == kPoison);
      for_fast_kernels([&](HostKernels& kernels) { check_against_sorting(kernels, c, expected); });
    }
  }

  TEST_CASE("a row that sees nothing is left alone, and nothing is selected for k = 0") {
    Case twin = one_row({1, 2}, 1);
    twin.visible = {0};
    cpu::top_k(twin.args());
    CHECK(twin.found[0] == kPoison);
    for_fast_kernels([&](HostKernels& kernels) {
      Case empty = one_row({1, 2}, 1);
      empty.visible = {0};
      kernels.top_k(empty.args());
      CHECK(empty.found[0] == kPoison);
      CHECK(empty.selected[0] == kPoison);

      Case none = one_row({1, 2}, 0);
      kernels.top_k(none.args());
      CHECK(none.found[0] == 0);
    });
  }

  TEST_CASE("the twin selects what fewer than k come before") {
    Draws draws(21);
    for (int round = 0; round < 600; ++round) {
      Case c{.rows = 1, .columns = 1 + draws.below(70), .k = int32_t(draws.below(40))};
      for (int64_t i = 0; i < c.columns; ++i) c.score.push_back(drawn_score(draws, round % 6));

      cpu::top_k(c.args());

      const auto expected = by_counting(c.score.data(), c.visible[0], c.k);
      REQUIRE(c.found[0] == int32_t(expected.size()));
      REQUIRE(std::equal(expected.begin(), expected.end(), c.selected.begin()));
    }
  }

  TEST_CASE("the fast versions select what a stable sort does, on thousands of rows of ties") {
    Draws draws(22);
    std::vector<std::unique_ptr<HostKernels>> versions;
    for (const Instructions level : fast_levels())
      for (const int threads : {1, 2, 3})
        versions.push_back(std::make_unique<HostKernels>(level, threads));

    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      Case c{.rows = 12, .columns = 1 + draws.below(round % 10 == 0 ? 5000 : 300)};
      c.k = int32_t(draws.below(c.columns + 20));
      for (int64_t i = 0; i < c.rows * c.columns; ++i)
        c.score.push_back(drawn_score(draws, i / c.columns % 6));
      for (int64_t t = 0; t < c.rows; ++t)
        c.visible[t] = int32_t(t % 2 == 0 ? c.columns : draws.below(c.columns + 1));
      c.selected.assign(c.rows * c.k, kPoison);
      Case expected = c;
      cpu::top_k(expected.args());
      for (const auto& kernels : versions) check_against_sorting(*kernels, c, expected);
    }
  }

  TEST_CASE("a row of 200,000 equal scores selects its first k") {
    for_fast_kernels([&](HostKernels& kernels) {
      Case c = one_row(std::vector<float>(200000, 0.f), 2048);
      kernels.top_k(c.args());
      std::vector<int32_t> first(2048);
      std::iota(first.begin(), first.end(), 0);
      CHECK(c.found[0] == 2048);
      CHECK(c.selected == first);
    });
  }

  TEST_CASE("long rows of real numbers select what a stable sort does") {
    Draws draws(23);
    Case c{.rows = 3, .columns = 100003, .k = 2048};
    for (int64_t i = 0; i < c.rows * c.columns; ++i) c.score.push_back(draws.uniform());
    Case expected = c;
    cpu::top_k(expected.args());
    for_fast_kernels([&](HostKernels& kernels) { check_against_sorting(kernels, c, expected); });
  }
}
