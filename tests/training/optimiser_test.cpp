#include "training/optimiser.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace training;

namespace {

using Update = Parameter::Update;
using Part = Parameter::Part;

std::vector<Parameter> laid_out(std::vector<Parameter> parameters) {
  int64_t offset = 0;
  for (Parameter& p : parameters) {
    p.offset = offset;
    offset += p.size();
  }
  return parameters;
}

Parameter matrix(int64_t rows, int64_t cols, Update update, Part part = Part::Main) {
  return {.name = "m", .rows = rows, .cols = cols, .part = part, .update = update};
}

int64_t size_of(const std::vector<Parameter>& parameters) {
  return parameters.back().offset + parameters.back().size();
}

std::vector<float> waves(int64_t count, float pace) {
  std::vector<float> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(std::sin(pace * float(i + 1)));
  return numbers;
}

}  // namespace

TEST_SUITE("training/optimiser") {
  TEST_CASE("a quadratic is minimised by both algorithms") {
    // loss = |W - T|^2 / 2 has the gradient W - T.
    for (const Update update : {Update::Muon, Update::AdamW}) {
      CAPTURE(int(update));
      const auto parameters = laid_out({matrix(6, 9, update)});
      const std::vector<float> target = waves(54, 0.9f);
      std::vector<float> weights(54, 0.f), gradients(54);
      OptimiserState state(54);
      Threads threads(1);
      Optimiser optimiser(parameters, best_instructions(), threads);

      double loss = 0;
      for (int step = 1; step <= 400; ++step) {
        loss = 0;
        for (std::size_t i = 0; i < 54; ++i) {
          gradients[i] = weights[i] - target[i];
          loss += 0.5 * double(gradients[i]) * double(gradients[i]);
        }
        const double rate = 0.1 * (1 - step / 400.0);
        optimiser.step(state, weights, gradients, {},
                       {.muon = rate, .muon_decay = 0, .adamw = rate});
      }

      CHECK(loss < 1e-3);  // from 13.6
      CHECK(state.step == 400);
    }
  }

  TEST_CASE("a large gradient is shortened to the norm that is allowed") {
    const auto parameters = laid_out({matrix(1, 2, Update::AdamW)});
    std::vector<float> weights(2, 0.f);
    const std::vector<float> gradients = {30, 40};
    OptimiserState state(2);
    Threads threads(1);
    Optimiser optimiser(parameters, Instructions::Plain, threads);

    const StepReport report = optimiser.step(state, weights, gradients, {}, {.norm_max = 5});

    CHECK(report.gradient_norm == 50);
    CHECK(state.first[0] == doctest::Approx(0.1 * 3));
    CHECK(state.first[1] == doctest::Approx(0.1 * 4));
  }

  TEST_CASE("a gradient that is no number changes nothing") {
    const auto parameters = laid_out({matrix(2, 2, Update::Muon)});
    Threads threads(1);
    Optimiser optimiser(parameters, Instructions::Plain, threads);
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
      std::vector<float> weights = {1, 2, 3, 4};
      const std::vector<float> gradients = {1, bad, 1, 1};
      OptimiserState state(4);

      const StepReport report = optimiser.step(state, weights, gradients, {}, {});

      CHECK(report.outcome == StepReport::Outcome::NotFinite);
      CHECK(weights == std::vector<float>{1, 2, 3, 4});
      CHECK(state.step == 0);
      CHECK(state.first == std::vector<float>(4, 0.f));
    }
  }

  TEST_CASE("each part is trained alone if asked, and its gradient alone counts") {
    const auto parameters = laid_out(
        {matrix(1, 1, Update::AdamW, Part::Main), matrix(1, 1, Update::AdamW, Part::Indexer)});
    const std::vector<float> gradients = {3, 4};
    Threads threads(1);
    Optimiser optimiser(parameters, Instructions::Plain, threads);
    using Trained = StepRates::Trained;
    for (const auto& [trained, norm] :
         {std::pair{Trained::All, 5.0}, {Trained::Main, 3.0}, {Trained::Indexer, 4.0}}) {
      CAPTURE(int(trained));
      std::vector<float> weights = {1, 1};
      OptimiserState state(2);

      const StepReport report = optimiser.step(state, weights, gradients, {}, {.trained = trained});

      CHECK(report.gradient_norm == norm);
      CHECK((weights[0] != 1) == (trained != Trained::Indexer));
      CHECK((weights[1] != 1) == (trained != Trained::Main));
    }
  }

  TEST_CASE("AdamW can be asked to update Muon's matrices, and vectors do not decay") {
    auto parameters = laid_out({matrix(1, 2, Update::Muon), matrix(1, 1, Update::AdamW)});
    parameters[1].vector = true;
    std::vector<float> weights = {1, 1, 1};
    const std::vector<float> gradients = {2, 0, 0};
    OptimiserState state(3);
    Threads threads(1);
    Optimiser optimiser(parameters, Instructions::Plain, threads);

    optimiser.step(state, weights, gradients, {},
                   {.algorithm = StepRates::Algorithm::AdamW,
                    .adamw = 0.01,
                    .adamw_decay = 0.5,
                    .norm_max = 0});

    CHECK(weights[0] == doctest::Approx(1 - 0.005 - 0.01));
    CHECK(weights[1] == doctest::Approx(1 - 0.005));
    CHECK(weights[2] == 1);
    CHECK(state.second[0] == doctest::Approx(0.02 * 4));
  }

  TEST_CASE("a bias rises for experts that lack tokens and falls for those that have too many") {
    const auto parameters = laid_out({matrix(1, 3, Update::None), matrix(1, 2, Update::None)});
    std::vector<float> weights(5, 0.f);
    const std::vector<float> gradients(5, 9.f);     // a bias has none
    const std::vector<int64_t> load = {10, 20, 60,  // mean 30
                                       7, 7};
    OptimiserState state(5);
    Threads threads(1);
    Optimiser optimiser(parameters, Instructions::Plain, threads);

    const StepReport report = optimiser.step(state, weights, gradients, load, {.bias = 0.5});

    CHECK(report.gradient_norm == 0);
    CHECK(weights == std::vector<float>{0.5f, 0.5f, -0.5f, 0, 0});
    CHECK_THROWS_AS(optimiser.step(state, weights, gradients, std::vector<int64_t>(4), {}),
                    std::logic_error);
  }

  TEST_CASE("threads change no bit") {
    const auto parameters = laid_out({matrix(33, 70, Update::Muon), matrix(100, 400, Update::AdamW),
                                      matrix(64, 48, Update::Muon, Part::Indexer),
                                      matrix(1, 8, Update::None), matrix(130, 20, Update::Muon)});
    const int64_t size = size_of(parameters);
    const std::vector<int64_t> load = {1, 2, 3, 4, 5, 6, 7, 8};

    std::vector<std::vector<float>> results;
    for (const int count : {1, 2, 5}) {
      Threads threads(count);
      Optimiser optimiser(parameters, best_instructions(), threads);
      OptimiserState state(size);
      std::vector<float> weights = waves(size, 0.37f);
      for (int step = 0; step < 3; ++step)
        optimiser.step(state, weights, waves(size, 0.11f + float(step)), load, {});
      weights.insert(weights.end(), state.first.begin(), state.first.end());
      weights.insert(weights.end(), state.second.begin(), state.second.end());
      results.push_back(std::move(weights));
    }

    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
  }
}
