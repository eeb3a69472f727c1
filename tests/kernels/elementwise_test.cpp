#include "kernels/elementwise.h"

#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"

using namespace kernel_test;

namespace {

// e^-x is within 2 units in the last place; sum, quotient and product add three roundings.
constexpr Tolerance kSwiglu = {.absolute = 1e-36, .relative = 4e-7};
constexpr float kInfinity = INFINITY;

std::vector<float> swiglu(HostKernels& kernels, std::vector<float> gate, std::vector<float> up,
                          int64_t tokens) {
  const int64_t dim = int64_t(gate.size()) / tokens;
  std::vector<float> y = poisoned(int64_t(gate.size()));
  kernels.swiglu({.gate = view(gate, {tokens, dim}),
                  .up = view(up, {tokens, dim}),
                  .y = view(y, {tokens, dim})});
  return y;
}

std::vector<float> plain_swiglu(const std::vector<float>& gate, const std::vector<float>& up) {
  HostKernels plain(Instructions::Plain, 1);
  return swiglu(plain, gate, up, 1);
}

}  // namespace

TEST_SUITE("kernels/elementwise") {
  TEST_CASE("the gate is 0 at 0, half of ln 3 over 1 + 1/3 at ln 3, and open far above") {
    const float ln3 = std::log(3.f);  // silu(ln 3) = ln 3 / (1 + 1/3)

    const std::vector<float> y = plain_swiglu({0, ln3, 1000, -1000}, {5, 4, 2, 3});

    CHECK(y[0] == 0);
    CHECK(y[1] == doctest::Approx(3 * ln3));
    CHECK(y[2] == 2000);
    CHECK(y[3] == 0);
  }

  TEST_CASE("the fast gate agrees with the twin over the whole range of exp") {
    std::vector<float> gate, up;
    Draws draws(11);
    for (int i = 0; i < 60000; ++i) {
      gate.push_back(float(i - 30000) * 0.0034f + draws.uniform());  // -103 ... 103
      up.push_back(draws.uniform() + 2);
    }
    const std::vector<float> expected = plain_swiglu(gate, up);
    for_fast_kernels([&](HostKernels& kernels) {
      CHECK(agree(swiglu(kernels, gate, up, 1), expected, kSwiglu));
      // Rows of 20 or 6000 do not end at a register's edge: the bits are the same.
      CHECK(same_bits(swiglu(kernels, gate, up, 3000), swiglu(kernels, gate, up, 1)));
      CHECK(same_bits(swiglu(kernels, gate, up, 10), swiglu(kernels, gate, up, 1)));
    });
  }

  TEST_CASE("what is not finite shows in every version") {
    const std::vector<float> gate = {NAN, 1, kInfinity, -kInfinity, 3e38f, -3e38f, 0};
    const std::vector<float> up = {1, NAN, 2, 1, 2, 1, kInfinity};
    const std::vector<float> expected = {NAN, NAN, kInfinity, NAN, kInfinity, 0, NAN};
    CHECK(agree(plain_swiglu(gate, up), expected));
    for_fast_kernels(
        [&](HostKernels& kernels) { CHECK(agree(swiglu(kernels, gate, up, 1), expected)); });
  }

  TEST_CASE("the gate may be written over itself") {
    for_fast_kernels([&](HostKernels& kernels) {
      std::vector<float> gate = numbers(333, 12), up = numbers(333, 13);
      const std::vector<float> expected = swiglu(kernels, gate, up, 1);
      kernels.swiglu(
          {.gate = view(gate, {1, 333}), .up = view(up, {1, 333}), .y = view(gate, {1, 333})});
      CHECK(same_bits(gate, expected));
    });
  }

  TEST_CASE("sums have one rounding, and so one result") {
    for (const int64_t dim : {1, 15, 16, 17, 7168}) {
      std::vector<float> x = numbers(5 * dim, 14), expected = numbers(5 * dim, 15);
      cpu::add({.x = view(x, {5, dim}), .y = view(expected, {5, dim})});
      CHECK(expected[0] == numbers(5 * dim, 14)[0] + numbers(5 * dim, 15)[0]);
      for_fast_kernels([&](HostKernels& kernels) {
        std::vector<float> y = numbers(5 * dim, 15);
        kernels.add({.x = view(x, {5, dim}), .y = view(y, {5, dim})});
        CHECK(same_bits(y, expected));
      });
    }
  }

  TEST_CASE("tokens get their rows of the table") {
    std::vector<float> table = {1, 2, 3, 4, 5, 6};
    std::vector<int32_t> id = {2, 0, 2};
    std::vector<float> y = poisoned(6);
    const Embed args = {.id = view(id, {3}),
                        .table = {.type = Number::F32, .rows = 3, .cols = 2, .data = table.data()},
                        .y = view(y, {3, 2})};

    cpu::embed(args);

    CHECK(y == std::vector<float>{5, 6, 1, 2, 5, 6});
  }

  TEST_CASE("a table in bfloat16 may begin at any number") {
    std::vector<Bfloat16> table;
    for (const float x : {9.f, 1.f, -2.f, 0.5f, 448.f}) table.push_back(to_bfloat16(x));
    std::vector<int32_t> id = {1};
    std::vector<float> y = poisoned(2);
    const Matrix rows = {.type = Number::BF16, .rows = 2, .cols = 2, .data = table.data() + 1};

    cpu::embed({.id = view(id, {1}), .table = rows, .y = view(y, {1, 2})});

    CHECK(y == std::vector<float>{0.5, 448});
  }
}
