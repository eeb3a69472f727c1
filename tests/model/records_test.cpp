// The network over latent records: what they may change, and what they may not.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "tests/kernels/filled_pages.h"
#include "tests/model/network_kit.h"

using namespace golden;
using kernel_test::levels;
using model::CacheNumerics;
using model::LatentFormat;
using model::Network;
using model::Row;
using model::WeightFormat;

namespace {

constexpr int64_t kTokens = 80;

std::vector<int32_t> some_tokens(int64_t count, int64_t vocabulary, int64_t step = 7919) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(int32_t((step * i + 1) % vocabulary));
  return tokens;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// The distance of two rows of logits, relative to their size: the median of all positions.
double distance(const std::vector<float>& a, const std::vector<float>& b, int64_t vocabulary) {
  std::vector<double> all;
  for (std::size_t begin = 0; begin < a.size(); begin += std::size_t(vocabulary)) {
    double difference = 0, size = 0;
    for (std::size_t i = begin; i < begin + std::size_t(vocabulary); ++i) {
      difference += std::pow(double(a[i]) - double(b[i]), 2);
      size += std::pow(double(b[i]), 2);
    }
    all.push_back(std::sqrt(difference / size));
  }
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

// One row a sequence, all asking.
std::vector<float> step(Network& network, const std::vector<Row>& rows) {
  std::vector<float> logits(rows.size() * std::size_t(network.config().vocabulary));
  network.forward(rows, {logits.data(), {int64_t(rows.size()), network.config().vocabulary}});
  return logits;
}

Row row_of(const std::vector<int32_t>& tokens, int64_t position, unsigned char* const* pages) {
  return {.token = tokens[std::size_t(position)],
          .position = int32_t(position),
          .pages = pages,
          .logits = Row::Logits::Yes};
}

}  // namespace

TEST_SUITE("model/records") {
  // Three bits are an error of some 2 % of a latent, which random weights do not average out, and
  // which sends some rows to other experts.
  TEST_CASE("logits over records are near those over rows, and not the same") {
    for (const char* name : {"v32", "v3", "v2_lite"}) {
      CAPTURE(std::string(name));
      const Loaded loaded(name, Stored::Bfloat16, WeightFormat::AsIs);
      const auto tokens = some_tokens(kTokens, loaded.config.vocabulary);
      HostKernels kernels(best_instructions(), 2);
      Network rows(loaded.weights, kernels, {.rows_max = kTokens});
      Network records(loaded.weights, kernels,
                      {.rows_max = kTokens, .latents = LatentFormat::Float8});
      CHECK(records.cache().latent.row_bytes() < rows.cache().latent.row_bytes());

      const double apart = distance(logits_of(records, tokens, kTokens),
                                    logits_of(rows, tokens, kTokens), loaded.config.vocabulary);

      CHECK(apart > 0);
      CHECK(apart < 0.2);
    }
  }

  // Over F32 rows keys and queries would not be rounded to bfloat16, and so differ.
  TEST_CASE("with the published numerics, records give the bits of BF16 rows") {
    for (const char* name : {"v32", "v2"}) {
      CAPTURE(std::string(name));
      const Loaded loaded(name, Stored::Bfloat16, WeightFormat::AsIs);
      const auto tokens = some_tokens(kTokens, loaded.config.vocabulary);
      for (const Instructions level : levels()) {
        CAPTURE(std::string(to_text(level)));
        HostKernels kernels(level, 2);
        Network rows(loaded.weights, kernels,
                     {.rows_max = kTokens, .numerics = CacheNumerics::Published});
        Network records(loaded.weights, kernels,
                        {.rows_max = kTokens,
                         .numerics = CacheNumerics::Published,
                         .latents = LatentFormat::Float8});

        CHECK(same_bits(logits_of(records, tokens, kTokens), logits_of(rows, tokens, kTokens)));
      }
    }
  }

  TEST_CASE("tokens over records may be computed in any portions, to the same bits") {
    const Loaded loaded("v32", Stored::Bfloat16, WeightFormat::AsIs);
    const auto tokens = some_tokens(kTokens, loaded.config.vocabulary);
    for (const Instructions level : levels()) {
      HostKernels kernels(level, 1), more_threads(level, 2);
      Network network(loaded.weights, kernels,
                      {.rows_max = kTokens, .latents = LatentFormat::Float8});
      Network other(loaded.weights, more_threads,
                    {.rows_max = kTokens, .latents = LatentFormat::Float8});
      const auto whole = logits_of(network, tokens, kTokens);
      for (const int64_t chunk : {1, 7, 64})
        CHECK(same_bits(logits_of(other, tokens, chunk), whole));
    }
  }

  TEST_CASE("a sequence over records has the same bits alone, among others and from a fork") {
    const Loaded loaded("v32", Stored::Bfloat16, WeightFormat::AsIs);
    const int64_t vocabulary = loaded.config.vocabulary, shared = 70;
    const auto tokens = some_tokens(kTokens, vocabulary),
               noise = some_tokens(kTokens, vocabulary, 31);
    auto forked = tokens;
    std::copy(noise.begin() + shared, noise.end(), forked.begin() + shared);
    HostKernels kernels(best_instructions(), 2);
    Network network(loaded.weights, kernels, {.rows_max = 80, .latents = LatentFormat::Float8});
    const auto alone = logits_of(network, tokens, kTokens);
    const auto alone_forked = logits_of(network, forked, kTokens);

    const Pages pages(network, kTokens), others(network, kTokens), copy(network, kTokens);
    // The fork holds the first page and has a copy of the second, which is not full.
    std::vector<unsigned char*> fork = {pages.data()[0], copy.data()[1]};
    for (int64_t i = 0; i < kTokens; ++i) {
      if (i == shared)
        network.memory().copy(fork[1], pages.data()[1], network.cache().page_bytes());
      std::vector<Row> rows = {row_of(noise, i, others.data()), row_of(tokens, i, pages.data())};
      if (i >= shared) rows.push_back(row_of(forked, i, fork.data()));
      const auto logits = step(network, rows);
      const auto of = [&](const std::vector<float>& all, int64_t at) {
        return std::span(all).subspan(std::size_t(at * vocabulary), std::size_t(vocabulary));
      };
      CHECK(same_bits(of(logits, 1), of(alone, i)));
      if (i >= shared) CHECK(same_bits(of(logits, 2), of(alone_forked, i)));
    }
  }

  TEST_CASE("latents that records cannot hold are refused in a sentence") {
    Loaded loaded("v32", Stored::Bfloat16, WeightFormat::AsIs);
    loaded.weights.config.latent = 30;
    HostKernels kernels(Instructions::Plain, 1);
    CHECK_THROWS_WITH_AS(Network(loaded.weights, kernels, {.latents = LatentFormat::Float8}),
                         doctest::Contains("latents of 30 numbers (kv_lora_rank) with keys of"),
                         model::Refused);
    loaded.weights.config.latent = 160;
    CHECK_THROWS_WITH_AS(Network(loaded.weights, kernels, {.numerics = CacheNumerics::Published}),
                         doctest::Contains("which do not fill 160 numbers"), model::Refused);
  }

  TEST_CASE("index vectors that Hadamard's matrix cannot turn are refused in a sentence") {
    Loaded loaded("v32", Stored::Bfloat16, WeightFormat::AsIs);
    loaded.weights.config.index_dim = 24;
    HostKernels kernels(Instructions::Plain, 1);
    CHECK_NOTHROW(Network(loaded.weights, kernels, {}));
    CHECK_THROWS_WITH_AS(Network(loaded.weights, kernels, {.numerics = CacheNumerics::Published}),
                         doctest::Contains("a power of two, not 24 numbers (index_head_dim)"),
                         model::Refused);
  }
}
