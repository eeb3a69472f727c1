#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/model/network_kit.h"

using namespace golden;
using model::Network;
using model::NetworkOptions;
using model::WeightFormat;

namespace {

const char* const kCases[] = {"v32", "v3", "moonlight", "v2_lite", "v2", "glm"};

Golden read_golden(const std::string& name) {
  const std::string file = read_file(folder() / (name + ".safetensors"));
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  Golden golden;
  for (const auto& entry : model::parse_safetensors_header(std::string_view(file).substr(8, length),
                                                           file.size(), name)) {
    const char* data = file.data() + 8 + length + entry.begin;
    const std::size_t bytes = entry.end - entry.begin;
    if (entry.name == "tokens") {
      golden.tokens.resize(bytes / 4);
      std::memcpy(golden.tokens.data(), data, bytes);
    } else {
      golden.logits.resize(bytes / 4);
      std::memcpy(golden.logits.data(), data, bytes);
    }
  }
  return golden;
}

// The largest distance from the golden logits, relative to their size, over all positions.
double worst_distance(const std::vector<float>& logits, const Golden& golden) {
  const std::size_t vocabulary = golden.logits.size() / golden.tokens.size();
  double worst = 0;
  for (std::size_t t = 0; t < golden.tokens.size(); ++t) {
    double difference = 0, size = 0;
    for (std::size_t v = t * vocabulary; v < (t + 1) * vocabulary; ++v) {
      difference += std::pow(double(logits[v]) - golden.logits[v], 2);
      size += std::pow(double(golden.logits[v]), 2);
    }
    worst = std::max(worst, std::sqrt(difference / size));
  }
  return worst;
}

std::vector<Instructions> levels() {
  std::vector<Instructions> all{Instructions::Plain};
  if (best_instructions() >= Instructions::Avx2) all.push_back(Instructions::Avx2);
  if (best_instructions() >= Instructions::Avx512) all.push_back(Instructions::Avx512);
  return all;
}

}  // namespace

TEST_SUITE("model/network") {
  TEST_CASE("logits are those of transformers in every family, with float weights") {
    for (const char* name : kCases) {
      const Golden golden = read_golden(name);
      Loaded loaded(name, Stored::F32, WeightFormat::AsIs);
      for (const Instructions level : levels()) {
        CAPTURE(name);
        CAPTURE(to_text(level));
        HostKernels kernels(level, 2);
        Network network(loaded.weights, kernels, {.rows_max = 80, .cache_type = Number::F32});

        const auto logits = logits_of(network, golden.tokens, 80);

        CHECK(worst_distance(logits, golden) < 1e-4);
      }
    }
  }

  TEST_CASE("tokens may be computed in any portions, to the same bits") {
    for (const char* name : kCases) {
      const Golden golden = read_golden(name);
      Loaded loaded(name, Stored::Bfloat16, WeightFormat::AsIs);
      for (const Instructions level : levels()) {
        HostKernels kernels(level, 1);
        Network network(loaded.weights, kernels, {.rows_max = 80});
        const auto whole = logits_of(network, golden.tokens, 80);
        for (const int64_t chunk : {1, 7, 64}) {
          CAPTURE(name);
          CAPTURE(to_text(level));
          CAPTURE(chunk);
          HostKernels more_threads(level, 2);
          Network other(loaded.weights, more_threads, {.rows_max = chunk});

          const auto portions = logits_of(other, golden.tokens, chunk);

          CHECK(std::memcmp(whole.data(), portions.data(), whole.size() * 4) == 0);
        }
      }
    }
  }
}
