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

// `which`: the name of the tensor of logits.
Golden read_golden(const std::string& name, std::string_view which) {
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
    } else if (entry.name == which) {
      golden.logits.resize(bytes / 4);
      std::memcpy(golden.logits.data(), data, bytes);
    }
  }
  return golden;
}

// The distance from the golden logits, relative to their size, of each position, ascending.
std::vector<double> distances(const std::vector<float>& logits, const Golden& golden) {
  const std::size_t vocabulary = golden.logits.size() / golden.tokens.size();
  std::vector<double> all;
  for (std::size_t t = 0; t < golden.tokens.size(); ++t) {
    double difference = 0, size = 0;
    for (std::size_t v = t * vocabulary; v < (t + 1) * vocabulary; ++v) {
      difference += std::pow(double(logits[v]) - golden.logits[v], 2);
      size += std::pow(double(golden.logits[v]), 2);
    }
    all.push_back(std::sqrt(difference / size));
  }
  std::sort(all.begin(), all.end());
  return all;
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
      const Golden golden = read_golden(name, "logits");
      Loaded loaded(name, Stored::F32, WeightFormat::AsIs);
      for (const Instructions level : levels()) {
        CAPTURE(name);
        CAPTURE(to_text(level));
        HostKernels kernels(level, 2);
        Network network(loaded.weights, kernels, {.rows_max = 80, .cache_type = Number::F32});

        const auto logits = logits_of(network, golden.tokens, 80);

        CHECK(distances(logits, golden).back() < 1e-4);
      }
    }
  }

  // Rounded activations choose another expert or token now and then, so whole rows may differ; the
  // measure is what transformers' own bfloat16 makes of the same weights.
  TEST_CASE("with bfloat16 weights, logits are nearer to the float ones than transformers' are") {
    for (const char* name : kCases) {
      const Golden golden = read_golden(name, "logits_bf16");
      const auto theirs = distances(read_golden(name, "logits_own_bf16").logits, golden);
      Loaded loaded(name, Stored::Bfloat16, WeightFormat::AsIs);
      for (const Instructions level : levels()) {
        HostKernels kernels(level, 2);
        Network network(loaded.weights, kernels, {.rows_max = 80});

        const auto ours = distances(logits_of(network, golden.tokens, 80), golden);

        CAPTURE(std::string(name));
        CAPTURE(std::string(to_text(level)));
        CHECK(ours[ours.size() / 2] < theirs[theirs.size() / 2]);
        CHECK(ours[ours.size() * 9 / 10] < 1.1 * theirs[theirs.size() * 9 / 10]);
      }
    }
  }

  TEST_CASE("the published FP8 numerics are those of an independent transcription") {
    const Golden golden = read_golden("published", "logits");
    Loaded loaded("v32", Stored::F32, WeightFormat::AsIs);
    for (const Instructions level : levels()) {
      CAPTURE(to_text(level));
      HostKernels kernels(level, 2);
      Network network(
          loaded.weights, kernels,
          {.rows_max = 80, .cache_type = Number::F32, .numerics = model::CacheNumerics::Published});

      const auto distance = distances(logits_of(network, golden.tokens, 80), golden);

      // A number at the edge of two FP8 numbers may fall to either side, which moves a few rows.
      CHECK(distance[distance.size() / 2] < 1e-5);
      CHECK(distance[distance.size() * 9 / 10] < 1e-2);
    }
  }

  TEST_CASE("tokens may be computed in any portions, to the same bits") {
    for (const char* name : kCases) {
      const Golden golden = read_golden(name, "logits");
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
