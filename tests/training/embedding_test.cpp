#include "training/embedding.h"

#include <doctest/doctest.h>

#include "tests/training/layer_kit.h"

using namespace layer_test;
using namespace training;

TEST_SUITE("training/embedding") {
  TEST_CASE("rows are looked up, and their gradients are summed by id") {
    Arithmetic<double> arithmetic;
    EmbeddingLayer<double> layer;
    const std::vector<int32_t> token = {2, 0, 2};
    const Numbers table = {1, 2, 3, 4, 5, 6}, dy = {10, 20, 30, 40, 50, 60};
    Numbers y(6), dtable = {0, 0, 7, 7, 0, 1};

    layer.forward(arithmetic, token, matrix(table, 3, 2), matrix(y, 3, 2));
    layer.backward(arithmetic, token, matrix(dy, 3, 2), matrix(dtable, 3, 2));

    CHECK(y == Numbers{5, 6, 1, 2, 5, 6});
    CHECK(dtable == Numbers{30, 40, 7, 7, 60, 81});
  }

  TEST_CASE("one and two threads give the same bits") {
    constexpr int64_t kTokens = 1000, kIds = 7, kDim = 19;
    std::vector<int32_t> token;
    for (const double x : numbers(kTokens, 1)) token.push_back(int32_t((x + 1) / 2 * kIds));
    const std::vector<float> dy = as<float>(numbers(kTokens * kDim, 2));
    const auto gradient = [&](int threads) {
      Arithmetic<float> arithmetic(best_instructions(), threads, Precision::Float);
      EmbeddingLayer<float> layer;
      std::vector<float> dtable(kIds * kDim);
      layer.backward(arithmetic, token, matrix(dy, kTokens, kDim), matrix(dtable, kIds, kDim));
      return dtable;
    };

    CHECK(gradient(1) == gradient(2));
  }
}
