#include "kernels/quantise.h"

#include <fstream>

#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"
#include "tests/kernels/odd_numbers.h"

using namespace kernel_test;
using Float8Scale = SimulateFloat8::Scale;

namespace {

// Sums of up to 1024 terms of which a few reach 32.
constexpr Tolerance kSums = {.absolute = 2e-5, .relative = 1e-6};

Hadamard hadamard(std::vector<float>& x, int64_t vectors, int64_t dim) {
  return {.x = view(x, {vectors, dim})};
}

SimulateFloat8 float8(std::vector<float>& x, int64_t group, Float8Scale scale) {
  SimulateFloat8 args;
  args.x = view(x, {1, int64_t(x.size())});
  args.group = group;
  args.scale = scale;
  return args;
}

std::vector<float> after_float8(std::vector<float> x, Float8Scale scale) {
  cpu::simulate_float8(float8(x, int64_t(x.size()), scale));
  return x;
}

struct Golden {
  std::vector<float> x = {}, power_of_two = {}, exact = {};
};

Golden read_golden() {
  Golden golden;
  std::ifstream file(SOURCE_DIR "/tests/kernels/golden/act_quant.txt");
  uint32_t x = 0, power_of_two = 0, exact = 0;
  while (file >> std::hex >> x >> power_of_two >> exact) {
    golden.x.push_back(std::bit_cast<float>(x));
    golden.power_of_two.push_back(std::bit_cast<float>(power_of_two));
    golden.exact.push_back(std::bit_cast<float>(exact));
  }
  return golden;
}

}  // namespace

TEST_SUITE("kernels/quantise") {
  TEST_CASE("two numbers become sum and difference over the root of two") {
    std::vector<float> x = {3, 1};

    cpu::hadamard(hadamard(x, 1, 2));

    CHECK(x[0] == doctest::Approx(4 / std::sqrt(2.0)));
    CHECK(x[1] == doctest::Approx(2 / std::sqrt(2.0)));
  }

  TEST_CASE("a unit vector becomes a row of signs in natural order") {
    std::vector<float> x = {0, 0, 0, 1};  // row 3: signs of popcount(3 & j)

    cpu::hadamard(hadamard(x, 1, 4));

    CHECK(x == std::vector<float>{0.5, -0.5, -0.5, 0.5});
  }

  TEST_CASE("the fast transform agrees with the twin, and twice is the identity") {
    for (int64_t dim = 1; dim <= 1024; dim *= 2) {
      CAPTURE(dim);
      const int64_t vectors = 19;
      const std::vector<float> before = numbers(vectors * dim, 5);
      std::vector<float> expected = before;
      cpu::hadamard(hadamard(expected, vectors, dim));
      for_fast_kernels([&](HostKernels& kernels) {
        std::vector<float> x = before;
        kernels.hadamard(hadamard(x, vectors, dim));
        CHECK(agree(x, expected, kSums));
        kernels.hadamard(hadamard(x, vectors, dim));
        CHECK(agree(x, before, kSums));
      });
    }
  }

  TEST_CASE("a vector alone is transformed to the bits it has among others") {
    const std::vector<float> before = numbers(300 * 128, 6);
    for_fast_kernels([&](HostKernels& kernels) {
      std::vector<float> together = before, alone = before;
      kernels.hadamard(hadamard(together, 300, 128));
      for (int64_t v = 0; v < 300; ++v) {
        Hadamard args = hadamard(alone, 300, 128);
        args.x = args.x.part(v, 1);
        kernels.hadamard(args);
      }
      CHECK(same_bits(alone, together));
    });
  }

  TEST_CASE("at scale 1 numbers round to float8, ties to even") {
    // From 256 on the unit is 32, from 1 on 1/8; the least number is 2^-9.
    const std::vector<float> x = {448, 1.0625f, 1.1875f, 3.3f, -272, 0x1p-10f, 0x1.8p-9f, -0.f};
    const std::vector<float> rounded = {448, 1, 1.25f, 3.25f, -256, 0, 0x1p-8f, -0.f};

    CHECK(same_bits(after_float8(x, Float8Scale::PowerOfTwo), rounded));
    CHECK(same_bits(after_float8(x, Float8Scale::Exact), rounded));
  }

  TEST_CASE("the power of two is the least that keeps all within 448") {
    // 450 needs scale 2: 225 lies between 224 and 240.
    CHECK(after_float8({450, 1}, Float8Scale::PowerOfTwo) == std::vector<float>{448, 1});
    // 7 = 448 / 64: scale 2^-6, and nothing is lost on 1 / 64.
    CHECK(after_float8({7, 0x1p-6f}, Float8Scale::PowerOfTwo) == std::vector<float>{7, 0x1p-6f});
  }

  TEST_CASE("an exact scale puts the largest number on 448") {
    // s = 1/448: 0.3 * 448 = 134.4, between 128 and 144.
    const std::vector<float> x = after_float8({1, 0.3f}, Float8Scale::Exact);

    CHECK(x[0] == doctest::Approx(1));
    CHECK(x[1] == doctest::Approx(128 / 448.0));
  }

  TEST_CASE("small groups share the least scale: 2^-22 for 1e-4 / 448") {
    const float unit = 0x1p-22f * 0x1p-9f;  // float8's least number at that scale
    const std::vector<float> x = {0, unit, 0.5f * unit, 1.5f * unit, -2.6f * unit};

    CHECK(same_bits(after_float8(x, Float8Scale::PowerOfTwo),
                    std::vector<float>{0, unit, 0, 2 * unit, -3 * unit}));
  }

  TEST_CASE("NaN stays NaN beside its neighbours; infinity makes its whole group NaN") {
    CHECK(agree(after_float8({NAN, 448, 1.0625f}, Float8Scale::PowerOfTwo),
                std::vector<float>{NAN, 448, 1}));
    CHECK(
        agree(after_float8({INFINITY, 1, 0}, Float8Scale::PowerOfTwo), std::vector<float>(3, NAN)));
  }

  TEST_CASE("groups have scales of their own") {
    std::vector<float> x = {448, 0x1p-10f, 7, 0x1p-10f};

    cpu::simulate_float8(float8(x, 2, Float8Scale::PowerOfTwo));

    CHECK(x == std::vector<float>{448, 0, 7, 0x1p-10f});
  }

  TEST_CASE("all versions give the bits of an independent transcription of act_quant") {
    const Golden golden = read_golden();
    REQUIRE(golden.x.size() == 8 * 128);

    const auto check = [&](HostKernels& kernels) {
      std::vector<float> x = golden.x;
      kernels.simulate_float8(float8(x, 128, Float8Scale::PowerOfTwo));
      CHECK(same_bits(x, golden.power_of_two));
      x = golden.x;
      kernels.simulate_float8(float8(x, 128, Float8Scale::Exact));
      CHECK(same_bits(x, golden.exact));
    };
    HostKernels plain(Instructions::Plain, 1);
    check(plain);
    for_fast_kernels(check);
  }

  TEST_CASE("the fast versions give the twins' bits") {
    for (const int64_t group : {1, 3, 8, 17, 32, 128}) {
      CAPTURE(group);
      const std::vector<float> before = odd_numbers(group * 500, uint64_t(group));
      for (const Float8Scale scale : {Float8Scale::PowerOfTwo, Float8Scale::Exact}) {
        std::vector<float> expected = before;
        cpu::simulate_float8(float8(expected, group, scale));
        for_fast_kernels([&](HostKernels& kernels) {
          std::vector<float> x = before;
          SimulateFloat8 args = float8(x, group, scale);
          args.x = view(x, {50, group * 10});
          kernels.simulate_float8(args);
          CHECK(agree(x, expected));
        });
      }
    }
    std::vector<float> before = odd_numbers(37 * 1001, 9);
    before[0] = std::bit_cast<float>(0x7F800001u);
    before[1] = 0x1.8p-134f;  // subnormal, and a tie
    std::vector<float> expected = before;
    cpu::round_to_bfloat16({.x = view(expected, {37, 1001})});
    for_fast_kernels([&](HostKernels& kernels) {
      std::vector<float> x = before;
      kernels.round_to_bfloat16({.x = view(x, {37, 1001})});
      CHECK(same_bits(x, expected));
    });
  }
}
