// The network over the CUDA kernels, on the emulated device: the same logits as over the twins, and
// the same bits in any portions, alone or among others, recorded or not.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "tests/emulation/kernels.h"
#include "tests/model/network_kit.h"

using namespace golden;
using model::Network;
using model::NetworkOptions;
using model::WeightFormat;

namespace {

struct Emulated {
  std::unique_ptr<Kernels> kernels;
  model::Weights weights;
  Network network;

  Emulated(const model::Weights& of, const NetworkOptions& options,
           emulation::Order order = emulation::Order::Ascending)
      : kernels(emulation::kernels(order)),
        weights(model::to_device(of, kernels->memory(), [](int64_t, int64_t) {})),
        network(weights, *kernels, options) {}
};

// The largest distance of a position's logits, relative to their size.
double distance(const std::vector<float>& a, const std::vector<float>& b, int64_t tokens) {
  const std::size_t vocabulary = a.size() / std::size_t(tokens);
  double most = 0;
  for (std::size_t begin = 0; begin < a.size(); begin += vocabulary) {
    double difference = 0, size = 0;
    for (std::size_t i = begin; i < begin + vocabulary; ++i) {
      difference += std::pow(double(a[i]) - b[i], 2);
      size += std::pow(double(b[i]), 2);
    }
    const double relative = std::sqrt(difference / size);
    most = std::isnan(relative) ? INFINITY : std::max(most, relative);
  }
  return most;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<int32_t> some_tokens(int64_t count, int64_t vocabulary) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(int32_t(7919 * i % vocabulary));
  return tokens;
}

// The logits of `count` tokens are those of the twins.
void check_family(const std::string& name, int64_t count) {
  CAPTURE(name);
  const Loaded loaded(name, Stored::F32, WeightFormat::AsIs);
  const NetworkOptions options = {.rows_max = count, .cache_type = Number::F32};
  const auto tokens = some_tokens(count, loaded.config.vocabulary);
  HostKernels twins(Instructions::Plain, 2);
  Network there(loaded.weights, twins, options);
  Emulated emulated(loaded.weights, options);

  CHECK(distance(logits_of(emulated.network, tokens, count), logits_of(there, tokens, count),
                 count) < 1e-4);
}

}  // namespace

TEST_SUITE("model/cuda_network") {
  TEST_CASE("a model with an indexer has the twins' logits, with float weights") {
    check_family("v32", 16);
  }

  TEST_CASE("over records, the published numerics have the bits that they have over BF16 rows") {
    const Loaded loaded("v32", Stored::Bfloat16, WeightFormat::AsIs);
    const auto tokens = some_tokens(30, loaded.config.vocabulary);  // the indexer chooses 24
    NetworkOptions options = {.rows_max = 30, .numerics = model::CacheNumerics::Published};
    Emulated rows(loaded.weights, options);
    options.latents = model::LatentFormat::Float8;
    Emulated records(loaded.weights, options);

    const auto expected = logits_of(rows.network, tokens, 30);
    CHECK(same_bits(logits_of(records.network, tokens, 30), expected));
    CHECK(same_bits(logits_of(records.network, tokens, 7), expected));
  }
}

TEST_SUITE("slow/model/cuda_network") {
  TEST_CASE("every family has the twins' logits, with float weights") {
    for (const char* name : {"v32", "v3", "moonlight", "v2_lite", "v2", "glm"})
      check_family(name, 40);
  }

  TEST_CASE("tokens may be computed in any portions, by threads in any order, to the same bits") {
    for (const char* name : {"v32", "v2"}) {
      CAPTURE(name);
      const Loaded loaded(name, Stored::Bfloat16, WeightFormat::AsIs);
      const auto tokens = some_tokens(40, loaded.config.vocabulary);
      Emulated whole(loaded.weights, {.rows_max = 40});
      Emulated parts(loaded.weights, {.rows_max = 40}, emulation::Order::Descending);
      const auto expected = logits_of(whole.network, tokens, 40);

      CHECK(same_bits(logits_of(parts.network, tokens, 7), expected));
      // One a step: recorded and replayed.
      CHECK(same_bits(logits_of(parts.network, tokens, 1), expected));
    }
  }
}
