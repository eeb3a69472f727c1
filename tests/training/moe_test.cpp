#include "training/moe.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/training/layer_kit.h"

using namespace layer_test;
using namespace training;

namespace {

constexpr int64_t kTokens = 23, kHidden = 12, kInner = 9, kExperts = 5, kChosen = 2;
const std::vector<int32_t> kFirst = {0, 1, 15, 15, 23};  // the third document is empty

model::Config config_of(bool normalise) {
  model::Config config;
  config.hidden = kHidden;
  config.experts = kExperts;
  config.chosen_experts = kChosen;
  config.expert_inner = kInner;
  config.shared_experts = 1;
  config.router_normalise = normalise;
  config.router_scale = 1.5f;
  return config;
}

template <class T>
struct Weights {
  std::vector<T> router, bias, gate, up, down, shared_gate, shared_up, shared_down;

  explicit Weights(T factor) {
    uint64_t seed = 10;
    const auto fill = [&](std::vector<T>& list, int64_t count) {
      list = as<T>(numbers(count, seed++));
      for (T& x : list) x *= factor;
    };
    fill(router, kExperts * kHidden);
    fill(bias, kExperts);
    for (auto* list : {&gate, &up, &down}) fill(*list, kExperts * kInner * kHidden);
    for (auto* list : {&shared_gate, &shared_up, &shared_down}) fill(*list, kInner * kHidden);
  }

  MoeViews<T> views() {
    return {.router = matrix(router, kExperts, kHidden),
            .bias = vector(bias),
            .gate = {gate.data(), {kExperts, kInner, kHidden}},
            .up = {up.data(), {kExperts, kInner, kHidden}},
            .down = {down.data(), {kExperts, kHidden, kInner}},
            .shared = {matrix(shared_gate, kInner, kHidden), matrix(shared_up, kInner, kHidden),
                       matrix(shared_down, kHidden, kInner)}};
  }
  MoeViews<const T> read() {
    const MoeViews<T> all = views();
    return {all.router, all.bias, all.gate,
            all.up,     all.down, {all.shared.gate, all.shared.up, all.shared.down}};
  }
};

struct Options {
  bool normalise = true;
  double balance_weight = 0;
  std::vector<int32_t> recorded = {};
  Into into = Into::Write;
};

template <class T>
struct Run {
  std::vector<T> y = as<T>(numbers(kTokens * kHidden, 3)),
                 dx = as<T>(numbers(kTokens * kHidden, 4));
  Weights<T> gradients{0};
  std::vector<int32_t> experts;
  std::vector<int64_t> load;
  double balance = 0;

  Run(Arithmetic<T>& arithmetic, Weights<T>& weights, const std::vector<T>& x,
      const std::vector<T>& dy, const Options& options) {
    MoeLayer<T> layer(config_of(options.normalise));
    const typename MoeLayer<T>::Input input{.x = matrix(x, kTokens, kHidden),
                                            .first = kFirst,
                                            .recorded = options.recorded,
                                            .stride = kChosen};
    balance =
        layer.forward(arithmetic, weights.read(), input, matrix(y, kTokens, kHidden), options.into);
    experts.assign(layer.experts().begin(), layer.experts().end());
    load.assign(layer.load().begin(), layer.load().end());
    layer.backward(arithmetic, weights.read(), input, matrix(dy, kTokens, kHidden),
                   options.balance_weight, matrix(dx, kTokens, kHidden), options.into,
                   gradients.views());
  }
};

const Numbers kX = numbers(kTokens * kHidden, 1), kDy = numbers(kTokens * kHidden, 2);

// Of all weights and x, with the choice of the base point frozen.
void check_gradients(const Options& asked) {
  Arithmetic<double> arithmetic;
  Weights<double> weights(1);
  Numbers x = kX;
  Options options = asked;
  options.recorded = Run<double>(arithmetic, weights, x, kDy, options).experts;
  Run<double> run(arithmetic, weights, x, kDy, options);
  const auto loss = [&] {
    const Run<double> again(arithmetic, weights, x, kDy, options);
    return dot(again.y, kDy) + options.balance_weight * again.balance;
  };

  CHECK(gradient_error(x, run.dx, loss) < 1e-7);
  CHECK(gradient_error(weights.router, run.gradients.router, loss) < 1e-7);
  CHECK(gradient_error(weights.gate, run.gradients.gate, loss) < 1e-7);
  CHECK(gradient_error(weights.up, run.gradients.up, loss) < 1e-7);
  CHECK(gradient_error(weights.down, run.gradients.down, loss) < 1e-7);
  CHECK(gradient_error(weights.shared_gate, run.gradients.shared_gate, loss) < 1e-7);
  CHECK(gradient_error(weights.shared_down, run.gradients.shared_down, loss) < 1e-7);
  CHECK(run.gradients.bias == Numbers(kExperts));
}

}  // namespace

TEST_SUITE("training/moe") {
  TEST_CASE("gradients are finite differences, with the choice frozen") {
    check_gradients({});
    check_gradients({.normalise = false});
  }

  TEST_CASE("the balance loss' gradient is its finite difference") {
    check_gradients({.balance_weight = 10});
  }

  TEST_CASE("the balance loss is 1 where all scores and all loads are equal") {
    // One document; each expert is chosen by as many tokens, and all scores are 1/2.
    Arithmetic<double> arithmetic;
    model::Config config = config_of(true);
    MoeLayer<double> layer(config);
    Weights<double> weights(0);
    const Numbers x(5 * kHidden, 1);
    Numbers y(x.size());
    const std::vector<int32_t> first = {0, 5}, recorded = {0, 1, 1, 2, 2, 3, 3, 4, 4, 0};

    const double balance = layer.forward(
        arithmetic, weights.read(),
        {.x = matrix(x, 5, kHidden), .first = first, .recorded = recorded, .stride = kChosen},
        matrix(y, 5, kHidden), Into::Write);

    CHECK(balance == doctest::Approx(1));
    CHECK(std::vector<int64_t>(layer.load().begin(), layer.load().end()) ==
          std::vector<int64_t>{2, 2, 2, 2, 2});
  }

  TEST_CASE("the choice is the router kernel's, and of equal scores the lower index") {
    Arithmetic<float> arithmetic(best_instructions(), 1, Precision::Float);
    Weights<float> weights(1);
    const std::vector<float> x = as<float>(kX);
    std::vector<float> logits(kTokens * kExperts), gate(kTokens * kChosen);
    std::vector<int32_t> expert(kTokens * kChosen);
    arithmetic.exact_product(matrix(x, kTokens, kHidden), matrix(weights.router, kExperts, kHidden),
                             matrix(logits, kTokens, kExperts));
    cpu::router({.logits = matrix(logits, kTokens, kExperts),
                 .bias = vector(weights.bias),
                 .expert = matrix(expert, kTokens, kChosen),
                 .weight = matrix(gate, kTokens, kChosen)});

    CHECK(Run<float>(arithmetic, weights, x, as<float>(kDy), {}).experts == expert);
    Weights<float> nothing(0);
    const Run<float> even(arithmetic, nothing, x, as<float>(kDy), {});
    CHECK(even.experts[0] == 0);
    CHECK(even.experts[1] == 1);
    CHECK(even.load == std::vector<int64_t>{kTokens, kTokens, 0, 0, 0});
  }

  TEST_CASE("recorded experts are replayed, and nonsense among them is refused") {
    Arithmetic<double> arithmetic;
    Weights<double> weights(1);
    std::vector<int32_t> recorded;
    for (int32_t t = 0; t < kTokens; ++t) recorded.insert(recorded.end(), {4, t % 4});
    const Run<double> own(arithmetic, weights, kX, kDy, {});
    const Run<double> replayed(arithmetic, weights, kX, kDy, {.recorded = recorded});

    CHECK(replayed.experts == recorded);
    CHECK(replayed.load[4] == kTokens);
    CHECK(distance(replayed.y, own.y) > 0.01);
    // -1: the router's own choice, for that token alone.
    const Run<double> free(arithmetic, weights, kX, kDy, {});
    recorded[6] = recorded[7] = -1;
    std::vector<int32_t> mixed = recorded;
    std::copy_n(free.experts.begin() + 6, 2, mixed.begin() + 6);
    CHECK(Run<double>(arithmetic, weights, kX, kDy, {.recorded = recorded}).experts == mixed);

    recorded[6] = 4;
    recorded[7] = 4;
    CHECK_THROWS_AS(Run<double>(arithmetic, weights, kX, kDy, {.recorded = recorded}),
                    std::out_of_range);
    recorded[7] = kExperts;
    CHECK_THROWS_AS(Run<double>(arithmetic, weights, kX, kDy, {.recorded = recorded}),
                    std::out_of_range);
    recorded.resize(6);
    CHECK_THROWS_AS(Run<double>(arithmetic, weights, kX, kDy, {.recorded = recorded}),
                    std::out_of_range);
  }

  TEST_CASE("floats agree with doubles, with the same bits for any threads") {
    Arithmetic<double> judge;
    Weights<double> exact(1);
    Weights<float> weights(1);
    for (const Instructions level : levels()) {
      Arithmetic<float> one(level, 1, Precision::Float), two(level, 2, Precision::Float);
      for (const Into into : {Into::Write, Into::Add}) {
        CAPTURE(to_text(level));
        const Options options{.balance_weight = 3, .into = into};
        const Run<double> expected(judge, exact, kX, kDy, options);
        const Run<float> actual(two, weights, as<float>(kX), as<float>(kDy), options);
        const Run<float> alone(one, weights, as<float>(kX), as<float>(kDy), options);
        CHECK(actual.experts == expected.experts);
        CHECK(actual.balance == doctest::Approx(expected.balance).epsilon(1e-6));
        CHECK(distance(actual.y, expected.y) < 2e-6);
        CHECK(distance(actual.dx, expected.dx) < 2e-6);
        CHECK(distance(actual.gradients.router, expected.gradients.router) < 2e-6);
        CHECK(distance(actual.gradients.gate, expected.gradients.gate) < 2e-6);
        CHECK(distance(actual.gradients.down, expected.gradients.down) < 2e-6);
        CHECK(actual.y == alone.y);
        CHECK(actual.dx == alone.dx);
        CHECK(actual.gradients.router == alone.gradients.router);
        CHECK(actual.gradients.up == alone.gradients.up);
      }
    }
  }
}
