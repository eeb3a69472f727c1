#include "kernels/norm.h"

#include "tests/kernels/agree.h"
#include "tests/kernels/levels.h"

using namespace kernel_test;

namespace {

// Sums are in double on both sides; what remains are four roundings.
constexpr Tolerance kRounding = {.absolute = 1e-6, .relative = 4e-7};
constexpr int64_t kDims[] = {1, 7, 8, 15, 16, 17, 33, 128, 576, 7168};

struct Case {
  int64_t tokens = 0;
  int64_t dim = 0;
  std::vector<float> x = {}, weight = {}, bias = {};
  float epsilon = 0;
  std::vector<float> y = poisoned(tokens * dim);

  RmsNorm rms() {
    return {.x = view(x, {tokens, dim}),
            .weight = view(weight, {dim}),
            .epsilon = epsilon,
            .y = view(y, {tokens, dim})};
  }
  LayerNorm layer() {
    return {.x = view(x, {tokens, dim}),
            .weight = view(weight, {dim}),
            .bias = view(bias, {dim}),
            .epsilon = epsilon,
            .y = view(y, {tokens, dim})};
  }
};

Case drawn(int64_t tokens, int64_t dim) {
  return {.tokens = tokens,
          .dim = dim,
          .x = numbers(tokens * dim, 1),
          .weight = numbers(dim, 2),
          .bias = numbers(dim, 3),
          .epsilon = 1e-6f};
}

}  // namespace

TEST_SUITE("kernels/norm") {
  TEST_CASE("the root mean square is divided out and the weight put in") {
    Case c{.tokens = 2, .dim = 2, .x = {3, -3, 1, 7}, .weight = {1, 2}};

    cpu::rms_norm(c.rms());

    // The second row's mean square is 25.
    CHECK(c.y == std::vector<float>{1, -2, 0.2f, 2.8f});
  }

  TEST_CASE("mean and deviation are divided out, weight and bias put in") {
    Case c{.tokens = 1, .dim = 2, .x = {1, 5}, .weight = {3, 4}, .bias = {10, 20}};

    cpu::layer_norm(c.layer());

    CHECK(c.y == std::vector<float>{7, 24});
  }

  TEST_CASE("epsilon keeps a row of zeros finite") {
    Case c{.tokens = 1, .dim = 3, .x = {0, 0, 0}, .weight = {1, 1, 1}, .bias = {2, 2, 2}};
    c.epsilon = 1e-6f;

    cpu::rms_norm(c.rms());
    CHECK(c.y == std::vector<float>{0, 0, 0});

    cpu::layer_norm(c.layer());
    CHECK(c.y == std::vector<float>{2, 2, 2});
  }

  TEST_CASE("the fast norms agree with the twins") {
    for (const int64_t dim : kDims) {
      CAPTURE(dim);
      Case expected = drawn(5, dim);
      cpu::rms_norm(expected.rms());
      for_fast_kernels([&](HostKernels& kernels) {
        Case c = drawn(5, dim);
        kernels.rms_norm(c.rms());
        CHECK(agree(c.y, expected.y, kRounding));
      });
      cpu::layer_norm(expected.layer());
      for_fast_kernels([&](HostKernels& kernels) {
        Case c = drawn(5, dim);
        kernels.layer_norm(c.layer());
        CHECK(agree(c.y, expected.y, kRounding));
      });
    }
  }

  TEST_CASE("squares do not overflow, and a mean far from zero does not drown the rest") {
    for_fast_kernels([&](HostKernels& kernels) {
      Case huge{.tokens = 1, .dim = 17, .x = std::vector<float>(17, 1e30f)};
      huge.weight.assign(17, 1);
      kernels.rms_norm(huge.rms());
      CHECK(agree(huge.y, std::vector<float>(17, 1), kRounding));

      Case far{.tokens = 1, .dim = 18, .x = std::vector<float>(18, 1e6f)};
      for (int i = 0; i < 18; i += 2) far.x[i] += 1;  // deviation 1/2
      far.weight.assign(18, 1);
      far.bias.assign(18, 0);
      kernels.layer_norm(far.layer());
      for (int i = 0; i < 18; ++i) CHECK(far.y[i] == doctest::Approx(i % 2 == 0 ? 1 : -1));
    });
  }

  TEST_CASE("a norm may be written over its input") {
    for_fast_kernels([&](HostKernels& kernels) {
      Case c = drawn(3, 130), in_place = drawn(3, 130);
      kernels.layer_norm(c.layer());
      in_place.y = in_place.x;
      LayerNorm args = in_place.layer();
      args.x = args.y;
      kernels.layer_norm(args);
      CHECK(same_bits(in_place.y, c.y));
    });
  }

  TEST_CASE("a row alone has the bits it has among others") {
    for_fast_kernels([&](HostKernels& kernels) {
      Case together = drawn(7, 7169), alone = drawn(7, 7169);
      kernels.rms_norm(together.rms());
      for (int64_t t = 0; t < 7; ++t) {
        RmsNorm args = alone.rms();
        args.x = args.x.part(t, 1);
        args.y = args.y.part(t, 1);
        kernels.rms_norm(args);
      }
      CHECK(same_bits(alone.y, together.y));
    });
  }
}
