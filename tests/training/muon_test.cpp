#include "training/muon.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/kernels.h"
#include "training/adamw.h"

using namespace training;

namespace {

// Numbers in [-1, 1) that look random, from a linear congruential generator (Knuth's MMIX).
std::vector<float> noise(int64_t count, uint64_t seed) {
  std::vector<float> numbers;
  uint64_t state = seed;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    numbers.push_back(float(int64_t(state) >> 40) * 0x1p-23f);
  }
  return numbers;
}

using Doubles = std::vector<double>;

// Muon as its authors wrote it, in double and without a thought for speed.
void plain_orthogonalise(Doubles& x, int64_t rows, int64_t cols) {
  double norm = 0;
  for (const double v : x) norm += v * v;
  for (double& v : x) v /= std::sqrt(norm) + 1e-7;
  const auto at = [](auto& m, int64_t i, int64_t j, int64_t width) -> auto& {
    return m[std::size_t(i * width + j)];
  };
  for (int step = 0; step < 5; ++step) {
    Doubles gram(std::size_t(rows * rows), 0.0), next = x;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < rows; ++j)
        for (int64_t k = 0; k < cols; ++k)
          at(gram, i, j, rows) += at(x, i, k, cols) * at(x, j, k, cols);
    Doubles p = gram;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < rows; ++j) {
        double square = 0;
        for (int64_t k = 0; k < rows; ++k) square += at(gram, i, k, rows) * at(gram, k, j, rows);
        at(p, i, j, rows) = -4.7750 * at(gram, i, j, rows) + 2.0315 * square;
      }
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; ++j) {
        double sum = 3.4445 * at(x, i, j, cols);
        for (int64_t k = 0; k < rows; ++k) sum += at(p, i, k, rows) * at(x, k, j, cols);
        at(next, i, j, cols) = sum;
      }
    x = next;
  }
}

// One step from zero momentum on.
Doubles plain_muon(const std::vector<float>& weight, const std::vector<float>& gradient,
                   int64_t rows, int64_t cols, const MuonRates& r) {
  Doubles update;
  for (const float number : gradient) {
    const double g = number * r.gradient_scale, m = (1 - r.momentum) * g;
    update.push_back((1 - r.momentum) * g + r.momentum * m);
  }
  plain_orthogonalise(update, rows, cols);
  const double reach = r.rate * std::sqrt(std::max(1.0, double(rows) / double(cols)));
  Doubles moved;
  for (std::size_t i = 0; i < weight.size(); ++i)
    moved.push_back(weight[i] * (1 - r.rate * r.decay) - reach * update[i]);
  return moved;
}

template <class Numbers>
double worst_difference(const Doubles& expected, const Numbers& actual) {
  REQUIRE(expected.size() == actual.size());
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::abs(expected[i] - double(actual[i])));
  return worst;
}

}  // namespace

TEST_SUITE("training/muon") {
  TEST_CASE("a step is that of the plain transcription, wide and tall") {
    for (const auto& [rows, cols] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 7}, {5, 3}, {24, 40}, {70, 33}, {130, 130}}) {
      CAPTURE(rows);
      CAPTURE(cols);
      const std::vector<float> before = noise(rows * cols, 1);
      std::vector<float> weight = before, momentum(weight.size(), 0.f);
      std::vector<float> gradient = noise(rows * cols, 2);
      gradient[0] = 30;  // an outlier, which a wrong norm would not survive
      const MuonRates rates{.rate = 0.1, .decay = 0.5, .gradient_scale = 0.25};

      muon_step({{weight.data(), {rows, cols}},
                 {gradient.data(), {rows, cols}},
                 {momentum.data(), {rows, cols}}},
                rates, best_instructions());

      // The transcription knows no transposing: (5, 3) is iterated over 5 x 5 matrices there.
      CHECK(worst_difference(plain_muon(before, gradient, rows, cols, rates), weight) < 2e-5);
      CHECK(momentum[0] == doctest::Approx(0.05 * 0.25 * 30));
    }
  }

  TEST_CASE("momentum looks ahead as Nesterov's does") {
    std::vector<float> weight = {0}, momentum = {2};
    const std::vector<float> gradient = {-1};

    // m = 0.95 * 2 - 0.05 = 1.85, u = -0.05 + 0.95 * 1.85 > 0; a 1 x 1 matrix keeps its sign.
    muon_step({{weight.data(), {1, 1}}, {gradient.data(), {1, 1}}, {momentum.data(), {1, 1}}},
              {.rate = 1, .decay = 0}, Instructions::Plain);

    CHECK(momentum[0] == doctest::Approx(1.85));
    CHECK(weight[0] < -0.6);
    CHECK(weight[0] > -1.3);
  }

  TEST_CASE("singular values become about one") {
    // Rows that are orthogonal, of lengths 1, 0.1 and 0.05, turned in their plane of the columns:
    // then x x^T is diagonal, and stays so.
    const float c = std::cos(0.7f), s = std::sin(0.7f);
    std::vector<float> x = {c,         s,        0, 0,  //
                            -0.1f * s, 0.1f * c, 0, 0,  //
                            0,         0,        0, 0.05f};

    orthogonalise({x.data(), {3, 4}}, best_instructions());

    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        double dot = 0;
        for (int k = 0; k < 4; ++k)
          dot += double(x[std::size_t(i * 4 + k)]) * x[std::size_t(j * 4 + k)];
        CAPTURE(i);
        CAPTURE(j);
        if (i != j) CHECK(std::abs(dot) < 1e-4);
        if (i == j) CHECK(std::sqrt(dot) > 0.65);
        if (i == j) CHECK(std::sqrt(dot) < 1.25);
      }
  }

  TEST_CASE("factors in bfloat16 give nearly the same") {
    std::vector<float> x = noise(48 * 80, 4), rough = x;

    orthogonalise({x.data(), {48, 80}}, best_instructions());
    orthogonalise({rough.data(), {48, 80}}, best_instructions(), training::Precision::Bfloat16);

    double far = 0, size = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      far += double(x[i] - rough[i]) * double(x[i] - rough[i]);
      size += double(x[i]) * double(x[i]);
    }
    CHECK(std::sqrt(far / size) < 0.03);
    CHECK(far > 0);
  }

  TEST_CASE("zeros stay zero") {
    std::vector<float> x(12, 0.f);
    orthogonalise({x.data(), {4, 3}}, best_instructions());
    CHECK(x == std::vector<float>(12, 0.f));
  }
}

TEST_SUITE("training/adamw") {
  TEST_CASE("the first step goes by the rate against the gradient's sign") {
    std::vector<float> weight = {1, 1, 1}, m(3, 0.f), v(3, 0.f);
    const std::vector<float> gradient = {5, -0.001f, 0};

    adamw_step({weight, gradient, m, v}, {.rate = 0.1});

    CHECK(weight[0] == doctest::Approx(0.9));
    CHECK(weight[1] == doctest::Approx(1.1));
    CHECK(weight[2] == 1);
    CHECK(m[0] == doctest::Approx(0.5));
    CHECK(v[0] == doctest::Approx(0.5));
  }

  TEST_CASE("five steps are those of the plain transcription") {
    std::vector<float> weight = {0.5f, -2}, first(2, 0.f), second(2, 0.f);
    double w[2] = {0.5, -2}, m[2] = {}, v[2] = {};

    for (int step = 1; step <= 5; ++step) {
      const std::vector<float> gradient = {float(step), -0.25f * float(step * step)};
      adamw_step({weight, gradient, first, second},
                 {.rate = 0.01, .decay = 0.1, .gradient_scale = 0.5, .step = step});
      for (int i = 0; i < 2; ++i) {
        const double g = 0.5 * gradient[std::size_t(i)];
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.98 * v[i] + 0.02 * g * g;
        w[i] -= 0.01 * 0.1 * w[i];
        w[i] -= 0.01 * (m[i] / (1 - std::pow(0.9, step))) /
                (std::sqrt(v[i] / (1 - std::pow(0.98, step))) + 1e-8);
      }
    }

    CHECK(worst_difference({w[0], w[1]}, weight) < 1e-6);
  }
}
