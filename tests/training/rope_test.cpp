#include "training/rope.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/training/tiny_model.h"

using namespace training;

TEST_SUITE("training/rope") {
  TEST_CASE("one radian turns neighbours, or halves, and leaves the rest") {
    model::Config config = tiny_training::config();  // the first pair turns a radian a position
    Arithmetic<double> arithmetic;
    const RopeLayer<double> rope(config);
    std::vector<int32_t> position = {0, 1};
    const View<const int32_t, 1> at{position.data(), {2}};
    for (const RopePairs pairs : {RopePairs::Interleaved, RopePairs::HalfSplit}) {
      std::vector<double> x = {9, 1, 0, 0, 0, 9, 1, 0, 0, 0};

      rope.forward(arithmetic, at, {{x.data(), {2, 1, 5}}, 1, pairs});

      const std::size_t other = pairs == RopePairs::Interleaved ? 7 : 8;
      CHECK(x[1] == 1);
      CHECK(x[5] == 9);
      CHECK(x[6] == doctest::Approx(std::cos(1.0)));
      CHECK(x[other] == doctest::Approx(std::sin(1.0)));
    }
  }

  TEST_CASE("backward is the transpose of forward: (R x) . y = x . (R^T y)") {
    const model::Config config = tiny_training::config();
    Arithmetic<double> exact;
    Arithmetic<float> fast(best_instructions(), 1, Precision::Float);
    const RopeLayer<double> rope(config);
    const RopeLayer<float> fast_rope(config);
    std::vector<int32_t> position = {0, 3, 63};
    const View<const int32_t, 1> at{position.data(), {3}};
    for (const RopePairs pairs : {RopePairs::Interleaved, RopePairs::HalfSplit}) {
      const auto x = tiny_training::numbers(3 * 2 * 7, 1), y = tiny_training::numbers(3 * 2 * 7, 2);
      std::vector<double> turned = x, back = y;
      std::vector<float> fast_turned = tiny_training::as<float>(x);

      rope.forward(exact, at, {{turned.data(), {3, 2, 7}}, 2, pairs});
      rope.backward(exact, at, {{back.data(), {3, 2, 7}}, 2, pairs});
      fast_rope.forward(fast, at, {{fast_turned.data(), {3, 2, 7}}, 2, pairs});

      CHECK(tiny_training::dot(turned, y) == doctest::Approx(tiny_training::dot(x, back)));
      for (std::size_t i = 0; i < x.size(); ++i)
        CHECK(double(fast_turned[i]) == doctest::Approx(turned[i]).epsilon(1e-5));
    }
  }
}
