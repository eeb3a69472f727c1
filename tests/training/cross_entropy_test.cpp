#include "training/cross_entropy.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/training/layer_kit.h"

using namespace layer_test;
using namespace training;

namespace {

constexpr int64_t kTokens = 6, kIds = 70, kWords = 2;

Batch batch_of(bool some_kept) {
  Batch batch;
  batch.token.assign(kTokens, 0);
  batch.target = {0, 69, -1, 33, 64, 7};
  batch.first = {0, kTokens};
  if (!some_kept) return batch;
  const Numbers draw = numbers(kTokens * kIds, 9);
  batch.kept.resize(kTokens * kWords);
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t i = 0; i < kIds; ++i)
      if (draw[std::size_t(t * kIds + i)] > 0 || i == batch.target[std::size_t(t)])
        batch.kept[std::size_t(t * kWords + i / 64)] |= uint64_t(1) << (i % 64);
  return batch;
}

Numbers logits() {
  Numbers z = numbers(kTokens * kIds, 1);
  for (double& x : z) x *= 5;
  return z;
}

template <class T>
struct Run {
  std::vector<T> log_probability, entropy, dlogits = std::vector<T>(kTokens * kIds, T(99));

  Run(Arithmetic<T>& arithmetic, const Batch& batch, const std::vector<T>& z,
      const std::vector<T>& coefficient) {
    CrossEntropyLayer<T> layer;
    layer.forward(arithmetic, batch, matrix(z, kTokens, kIds));
    log_probability.assign(layer.log_probability().begin(), layer.log_probability().end());
    entropy.assign(layer.entropy().begin(), layer.entropy().end());
    layer.backward(arithmetic, batch, matrix(z, kTokens, kIds), coefficient,
                   matrix(dlogits, kTokens, kIds));
  }
};

const Numbers kCoefficient = {1, -0.5, 3, 2, 0, -0.25};  // the third is of no target

}  // namespace

TEST_SUITE("training/cross_entropy") {
  TEST_CASE("even logits give each kept id the same probability") {
    Arithmetic<double> arithmetic;
    Batch batch;
    batch.token = {0, 0, 0};
    batch.target = {1, 1, -1};
    batch.first = {0, 3};
    batch.kept = {0b1111, 0b0011, 0};
    const Numbers z(12, 7);
    CrossEntropyLayer<double> layer;
    Numbers dz(12);

    layer.forward(arithmetic, batch, matrix(z, 3, 4));
    layer.backward(arithmetic, batch, matrix(z, 3, 4), Numbers{1, -2, 5}, matrix(dz, 3, 4));

    CHECK(layer.log_probability()[0] == doctest::Approx(-std::log(4)));
    CHECK(layer.log_probability()[1] == doctest::Approx(-std::log(2)));
    CHECK(layer.log_probability()[2] == 0);
    CHECK(layer.entropy()[0] == doctest::Approx(std::log(4)));
    CHECK(layer.entropy()[1] == doctest::Approx(std::log(2)));
    CHECK(layer.entropy()[2] == 0);
    const Numbers expected = {0.25, -0.75, 0.25, 0.25, -1, 1, 0, 0, 0, 0, 0, 0};
    CHECK(distance(dz, expected) < 1e-15);
  }

  TEST_CASE("the gradient is that of minus the weighted log-probabilities, of either sign") {
    Arithmetic<double> arithmetic;
    for (const bool some_kept : {false, true}) {
      CAPTURE(some_kept);
      const Batch batch = batch_of(some_kept);
      Numbers z = logits();
      const Run<double> run(arithmetic, batch, z, kCoefficient);
      const auto loss = [&] {
        return -dot(Run<double>(arithmetic, batch, z, kCoefficient).log_probability, kCoefficient);
      };

      CHECK(gradient_error(z, run.dlogits, loss) < 1e-7);
    }
  }

  TEST_CASE("floats agree with doubles for any threads") {
    Arithmetic<double> judge;
    for (const Instructions level : levels()) {
      Arithmetic<float> one(level, 1, Precision::Float), two(level, 2, Precision::Float);
      for (const bool some_kept : {false, true}) {
        CAPTURE(to_text(level));
        CAPTURE(some_kept);
        const Batch batch = batch_of(some_kept);
        const Run<double> expected(judge, batch, logits(), kCoefficient);
        const auto z = as<float>(logits()), coefficient = as<float>(kCoefficient);
        const Run<float> actual(two, batch, z, coefficient), alone(one, batch, z, coefficient);
        CHECK(distance(actual.log_probability, expected.log_probability) < 1e-6);
        CHECK(distance(actual.entropy, expected.entropy) < 1e-6);
        CHECK(distance(actual.dlogits, expected.dlogits) < 1e-6);
        CHECK(actual.dlogits == alone.dlogits);
        CHECK(actual.log_probability == alone.log_probability);
      }
    }
  }

  TEST_CASE("large logits neither overflow nor lose the others' gradient") {
    for (const Instructions level : levels()) {
      CAPTURE(to_text(level));
      Arithmetic<float> arithmetic(level, 1, Precision::Float);
      Batch batch;
      batch.token = {0};
      batch.target = {1};
      batch.first = {0, 1};
      const std::vector<float> z = {1000, 1000, -1000};
      std::vector<float> dz(3);
      CrossEntropyLayer<float> layer;

      layer.forward(arithmetic, batch, matrix(z, 1, 3));
      layer.backward(arithmetic, batch, matrix(z, 1, 3), std::vector<float>{1}, matrix(dz, 1, 3));

      CHECK(layer.log_probability()[0] == doctest::Approx(-std::log(2.)));
      CHECK(layer.entropy()[0] == doctest::Approx(std::log(2.)));
      CHECK(dz[0] == doctest::Approx(0.5).epsilon(1e-4));  // log_sum has 2^-14 of 1000 left
      CHECK(dz[1] == doctest::Approx(-0.5).epsilon(1e-4));
      CHECK(dz[2] == 0);
    }
  }

  TEST_CASE("a target outside the vocabulary or the kept ids is refused") {
    Arithmetic<double> arithmetic;
    CrossEntropyLayer<double> layer;
    const Numbers z(4);
    Batch batch;
    batch.token = {0};
    batch.first = {0, 1};
    batch.target = {4};
    CHECK_THROWS_AS(layer.forward(arithmetic, batch, matrix(z, 1, 4)), std::out_of_range);
    batch.target = {3};
    batch.kept = {0b0111};
    CHECK_THROWS_AS(layer.forward(arithmetic, batch, matrix(z, 1, 4)), std::out_of_range);
  }
}
