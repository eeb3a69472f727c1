#include "training/mlp.h"

#include <doctest/doctest.h>

#include "tests/training/layer_kit.h"
#include "training/swiglu.h"

using namespace layer_test;
using namespace training;

namespace {

constexpr int64_t kTokens = 9, kHidden = 10, kInner = 21;

template <class T>
struct Weights {
  std::vector<T> gate, up, down;

  explicit Weights(double factor)
      : gate(as<T>(numbers(kInner * kHidden, 1))),
        up(as<T>(numbers(kInner * kHidden, 2))),
        down(as<T>(numbers(kInner * kHidden, 3))) {
    for (auto* list : {&gate, &up, &down})
      for (T& x : *list) x = T(x * factor);
  }
  MlpViews<T> views() {
    return {matrix(gate, kInner, kHidden), matrix(up, kInner, kHidden),
            matrix(down, kHidden, kInner)};
  }
  MlpViews<const T> read() const {
    return {matrix(gate, kInner, kHidden), matrix(up, kInner, kHidden),
            matrix(down, kHidden, kInner)};
  }
};

template <class T>
struct Run {
  std::vector<T> y = as<T>(numbers(kTokens * kHidden, 6)),
                 dx = as<T>(numbers(kTokens * kHidden, 7));
  Weights<T> gradients{0};

  Run(Arithmetic<T>& arithmetic, const Weights<T>& weights, const std::vector<T>& x,
      const std::vector<T>& dy, Into into) {
    MlpLayer<T> layer;
    layer.forward(arithmetic, weights.read(), matrix(x, kTokens, kHidden),
                  matrix(y, kTokens, kHidden), into);
    layer.backward(arithmetic, weights.read(), matrix(x, kTokens, kHidden),
                   matrix(dy, kTokens, kHidden), matrix(dx, kTokens, kHidden), into,
                   gradients.views());
  }
};

}  // namespace

TEST_SUITE("training/mlp") {
  TEST_CASE("swiglu's gradients are its finite differences") {
    Arithmetic<double> arithmetic;
    Numbers gate = numbers(40, 1), up = numbers(40, 2);
    for (double& x : gate) x *= 6;
    const Numbers ds = numbers(40, 3);
    Numbers s(40), again(40), dgate(40), dup(40);
    const auto forward = [&] {
      swiglu_forward<double>(arithmetic, matrix(gate, 4, 10), matrix(up, 4, 10), matrix(s, 4, 10));
      return dot(s, ds);
    };
    forward();

    swiglu_backward(arithmetic, SwigluGradient<double>{.gate = matrix(gate, 4, 10),
                                                       .up = matrix(up, 4, 10),
                                                       .ds = matrix(ds, 4, 10),
                                                       .dgate = matrix(dgate, 4, 10),
                                                       .dup = matrix(dup, 4, 10),
                                                       .s = matrix(again, 4, 10)});

    CHECK(distance(again, s) < 1e-15);
    CHECK(gradient_error(gate, dgate, forward) < 1e-7);
    CHECK(gradient_error(up, dup, forward) < 1e-7);
  }

  TEST_CASE("swiglu's gradients in float stay finite for any gate") {
    for (const Instructions level : levels()) {
      CAPTURE(to_text(level));
      Arithmetic<float> arithmetic(level, 1, Precision::Float);
      const std::vector<float> gate = {-1000, -90, -20, 0, 20, 90, 1000}, one(7, 1);
      std::vector<float> dgate(7), dup(7), s(7);

      swiglu_backward(arithmetic, SwigluGradient<float>{.gate = matrix(gate, 1, 7),
                                                        .up = matrix(one, 1, 7),
                                                        .ds = matrix(one, 1, 7),
                                                        .dgate = matrix(dgate, 1, 7),
                                                        .dup = matrix(dup, 1, 7),
                                                        .s = matrix(s, 1, 7)});

      const std::vector<float> slope = {0, 0, 0, 0.5f, 1, 1, 1};
      const std::vector<float> value = {0, 0, 0, 0, 20, 90, 1000};
      for (std::size_t i = 0; i < 7; ++i) {
        CHECK(dgate[i] == doctest::Approx(slope[i]).epsilon(1e-6));
        CHECK(dup[i] == doctest::Approx(value[i]).epsilon(1e-6));
        CHECK(s[i] == dup[i]);
      }
    }
  }

  TEST_CASE("an MLP's gradients are its finite differences") {
    Arithmetic<double> arithmetic;
    Weights<double> weights(1);
    Numbers x = numbers(kTokens * kHidden, 4);
    const Numbers dy = numbers(kTokens * kHidden, 5);
    Run<double> run(arithmetic, weights, x, dy, Into::Write);
    const auto loss = [&] {
      return dot(Run<double>(arithmetic, weights, x, dy, Into::Write).y, dy);
    };

    CHECK(gradient_error(x, run.dx, loss) < 1e-7);
    CHECK(gradient_error(weights.gate, run.gradients.gate, loss) < 1e-7);
    CHECK(gradient_error(weights.up, run.gradients.up, loss) < 1e-7);
    CHECK(gradient_error(weights.down, run.gradients.down, loss) < 1e-7);
  }

  TEST_CASE("an MLP in float agrees with double, written and added") {
    Arithmetic<double> judge;
    const Numbers x = numbers(kTokens * kHidden, 4), dy = numbers(kTokens * kHidden, 5);
    for (const Instructions level : levels()) {
      Arithmetic<float> arithmetic(level, 2, Precision::Float);
      for (const Into into : {Into::Write, Into::Add}) {
        CAPTURE(to_text(level));
        const Run<double> expected(judge, Weights<double>(1), x, dy, into);
        const Run<float> actual(arithmetic, Weights<float>(1), as<float>(x), as<float>(dy), into);
        CHECK(distance(actual.y, expected.y) < 1e-6);
        CHECK(distance(actual.dx, expected.dx) < 1e-6);
        CHECK(distance(actual.gradients.gate, expected.gradients.gate) < 1e-6);
        CHECK(distance(actual.gradients.up, expected.gradients.up) < 1e-6);
        CHECK(distance(actual.gradients.down, expected.gradients.down) < 1e-6);
      }
    }
  }
}
