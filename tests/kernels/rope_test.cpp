#include "kernels/rope.h"

#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"

using namespace kernel_test;

namespace {

// Terms up to 64, which may cancel.
constexpr Tolerance kRounding = {.absolute = 1e-5, .relative = 2e-7};

struct Case {
  int64_t tokens = 0, heads = 0, width = 0, first = 0, dim = 0, positions = 0;
  RopePairs pairs = RopePairs::Interleaved;
  std::vector<float> x = {}, table = {};
  std::vector<int32_t> position = {};

  Rope args() {
    return {.x = view(x, {tokens, heads, width}),
            .first = first,
            .dim = dim,
            .position = view(position, {tokens}),
            .table = view(table, {positions, dim / 2, 2}),
            .pairs = pairs};
  }
};

// A table of angles 0.1 * position * (pair + 1).
std::vector<float> angles(int64_t positions, int64_t half) {
  std::vector<float> table;
  for (int64_t p = 0; p < positions; ++p)
    for (int64_t i = 0; i < half; ++i) {
      table.push_back(std::cos(0.1f * float(p * (i + 1))));
      table.push_back(std::sin(0.1f * float(p * (i + 1))));
    }
  return table;
}

Case drawn(int64_t heads, int64_t width, int64_t first, int64_t dim, RopePairs pairs) {
  Case c{.tokens = 6, .heads = heads, .width = width, .first = first, .dim = dim};
  c.positions = 100;
  c.pairs = pairs;
  c.x = numbers(c.tokens * heads * width, 4);
  c.table = angles(c.positions, dim / 2);
  c.position = {99, 0, 7, 7, 50, 1};
  return c;
}

}  // namespace

TEST_SUITE("kernels/rope") {
  TEST_CASE("a quarter turn sends (a, b) to (-b, a), in neighbours or across the halves") {
    Case c{.tokens = 1, .heads = 1, .width = 4, .first = 0, .dim = 4, .positions = 1};
    c.table = {0, 1, 0, 1};
    c.position = {0};

    c.x = {1, 2, 3, 4};
    cpu::rope(c.args());
    CHECK(c.x == std::vector<float>{-2, 1, -4, 3});

    c.x = {1, 2, 3, 4};
    c.pairs = RopePairs::HalfSplit;
    cpu::rope(c.args());
    CHECK(c.x == std::vector<float>{-3, -4, 1, 2});
  }

  TEST_CASE("each pair has its own angle, each token its own position") {
    Case c{.tokens = 2, .heads = 1, .width = 4, .first = 0, .dim = 4, .positions = 2};
    c.table = {1, 0, 0,  1,   // position 0: only the second pair turns
               0, 1, -1, 0};  // position 1: a quarter and a half turn
    c.position = {1, 0};
    c.x = {1, 2, 3, 4, 1, 2, 3, 4};

    cpu::rope(c.args());

    CHECK(c.x == std::vector<float>{-2, 1, -3, -4, 1, 2, -4, 3});
  }

  TEST_CASE("the other dims of a head stay") {
    for (const RopePairs pairs : {RopePairs::Interleaved, RopePairs::HalfSplit}) {
      const Case before = drawn(3, 45, 5, 38, pairs);
      for_fast_kernels([&](HostKernels& kernels) {
        Case c = before;
        kernels.rope(c.args());
        int64_t changed_elsewhere = 0;
        for (std::size_t i = 0; i < c.x.size(); ++i) {
          const int64_t d = int64_t(i) % 45;
          changed_elsewhere += (d < 5 || d >= 43) && c.x[i] != before.x[i];
        }
        CHECK(changed_elsewhere == 0);
      });
    }
  }

  TEST_CASE("the fast turn agrees with the twin") {
    for (const RopePairs pairs : {RopePairs::Interleaved, RopePairs::HalfSplit}) {
      for (const int64_t dim : {2, 6, 14, 16, 18, 30, 34, 64}) {
        CAPTURE(dim);
        Case expected = drawn(9, dim + 3, 2, dim, pairs);
        cpu::rope(expected.args());
        for_fast_kernels([&](HostKernels& kernels) {
          Case c = drawn(9, dim + 3, 2, dim, pairs);
          kernels.rope(c.args());
          CHECK(agree(c.x, expected.x, kRounding));
        });
      }
    }
  }

  TEST_CASE("a token alone has the bits it has among others") {
    for (const RopePairs pairs : {RopePairs::Interleaved, RopePairs::HalfSplit}) {
      for_fast_kernels([&](HostKernels& kernels) {
        Case together = drawn(200, 66, 1, 62, pairs), alone = drawn(200, 66, 1, 62, pairs);
        kernels.rope(together.args());
        for (int64_t t = 0; t < alone.tokens; ++t) {
          Rope args = alone.args();
          args.x = args.x.part(t, 1);
          args.position = args.position.part(t, 1);
          kernels.rope(args);
        }
        CHECK(same_bits(alone.x, together.x));
      });
    }
  }
}
