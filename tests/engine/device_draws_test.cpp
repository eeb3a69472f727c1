// Tokens are drawn where the logits lie: what comes back to the processor, and that it is the same
// as if the processor had drawn.
#include "engine/device_draws.h"

#include <doctest/doctest.h>

#include <cstring>
#include <numeric>

#include "engine/network_stepper.h"
#include "tests/emulation/kernels.h"
#include "tests/engine/scheduler_kit.h"
#include "tests/model/far_kernels.h"
#include "tests/model/tiny_checkpoint.h"

using namespace engine_kit;
using engine::KeepSets;
using engine::SampleOutcome;
using engine::Sampling;
using engine::Stepper;

namespace {

constexpr int64_t kTokens = 320;  // of the small checkpoint
constexpr int64_t kRowBytes = sizeof(DrawnRow);
constexpr int64_t kSetBytes = Draw::kept_words(kTokens) * int64_t(sizeof(uint32_t));
constexpr int64_t kLogitBytes = kTokens * int64_t(sizeof(float));

// Without an indexer, so that a step reads nothing but what was drawn.
struct Small {
  tiny::Directory directory;
  model::Weights weights;

  Small() {
    tiny::write(directory.path(), {.family = model::Family::DeepseekV3});
    weights =
        model::load_weights(model::read_config(directory.path()),
                            model::Checkpoint::open(directory.path()), model::WeightFormat::AsIs);
  }
};

// A network's stepper that draws on the processor, wherever the logits are made.
class ReadsLogits : public Stepper {
 public:
  explicit ReadsLogits(Stepper& inner) : inner_(inner) {}
  Limits limits() const override { return inner_.limits(); }
  Memory& memory() override { return inner_.memory(); }
  void forward(std::span<const model::Row> rows, View<float, 2> logits) override {
    inner_.forward(rows, logits);
  }

 private:
  Stepper& inner_;
};

// Allows odd tokens only.
class OddTokens : public engine::Grammar {
 public:
  OddTokens() {
    for (int32_t token = 1; token < kTokens; token += 2) tokens_.push_back(token);
  }
  const std::vector<int32_t>* allowed() const override { return &tokens_; }
  void accept(int32_t) override {}

 private:
  std::vector<int32_t> tokens_;
};

SampleRequest request(uint64_t sample, const Sampling& sampling, KeepSets keep = KeepSets::No) {
  return {.prompt = prompt_of(20),
          .sampling = sampling,
          .seed = 5,
          .sample = sample,
          .tokens_max = 6,
          .keep_sets = keep};
}

std::vector<SampleOutcome> run(Stepper& stepper, std::vector<SampleRequest> requests,
                               const SchedulerOptions& options) {
  SchedulerOptions with_cache = options;
  with_cache.cache_bytes = 400 * stepper.limits().page_bytes;
  Scheduler scheduler(stepper, bytes_tokenizer(), with_cache);
  std::vector<SampleOutcome> outcomes(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i)
    scheduler.submit(std::move(requests[i]),
                     [&outcomes, i](SampleOutcome o) { outcomes[i] = std::move(o); }, {});
  while (scheduler.step()) {
  }
  return outcomes;
}

enum class Draws { WhereTheLogitsLie, OnTheProcessor };

std::vector<SampleOutcome> run_on(Kernels& kernels, const model::Weights& weights,
                                  std::vector<SampleRequest> requests,
                                  Draws draws = Draws::WhereTheLogitsLie) {
  const auto there = model::to_device(weights, kernels.memory(), [](int64_t, int64_t) {});
  model::Network network(there, kernels, {.rows_max = 400, .context_max = 64});
  const auto stepper = engine::stepper_of(network);
  ReadsLogits reads(*stepper);
  const SchedulerOptions options{.running_max = 400, .rows_max = 400};
  return run(draws == Draws::OnTheProcessor ? reads : *stepper, std::move(requests), options);
}

std::vector<SampleRequest> some_requests(const Sampling& sampling, KeepSets keep = KeepSets::No) {
  std::vector<SampleRequest> requests;
  for (uint64_t i = 0; i < 4; ++i) requests.push_back(request(i, sampling, keep));
  return requests;
}

bool all_same(const std::vector<SampleOutcome>& a, const std::vector<SampleOutcome>& b) {
  return std::ranges::equal(a, b, [](const SampleOutcome& x, const SampleOutcome& y) {
    const auto& one = std::get<Sample>(x);
    const auto& other = std::get<Sample>(y);
    return same(one, other) && one.log_kept == other.log_kept;
  });
}

int64_t tokens_in(const std::vector<SampleOutcome>& outcomes) {
  return std::accumulate(outcomes.begin(), outcomes.end(), int64_t(0),
                         [](int64_t sum, const SampleOutcome& outcome) {
                           return sum + int64_t(std::get<Sample>(outcome).tokens.size());
                         });
}

// The head's rows of these tokens become NaN, and so do their logits.
struct Damaged {
  std::vector<unsigned char> head;
  model::Weights weights;

  Damaged(const model::Weights& from, const std::vector<int32_t>& tokens) : weights(from) {
    const Matrix& matrix = from.head;
    const auto row = std::size_t(matrix.cols * bytes_of(matrix.type));
    const auto* bytes = static_cast<const unsigned char*>(matrix.data);
    head.assign(bytes, bytes + std::size_t(matrix.rows) * row);
    for (const int32_t token : tokens) std::memset(&head[std::size_t(token) * row], 0xFF, row);
    weights.head.data = head.data();
  }
};

std::string message_of(const SampleOutcome& outcome) {
  const auto& failure = std::get<SampleFailure>(outcome);
  CHECK(failure.kind == SampleFailure::Kind::Broken);
  return failure.message;
}

}  // namespace

TEST_SUITE("engine/device_draws") {
  TEST_CASE("tokens are the processor's, and some twenty bytes of each come back") {
    const Small small;
    for (const double temperature : {0.0, 0.7}) {
      CAPTURE(temperature);
      const Sampling sampling{.temperature = temperature, .top_p = 0.9};
      HostKernels host(best_instructions(), 1);
      far::FarKernels far(best_instructions());

      const auto expected = run_on(host, small.weights, some_requests(sampling));
      const auto made = run_on(far, small.weights, some_requests(sampling));

      CHECK(all_same(made, expected));
      CHECK(tokens_in(made) == 4 * 6);
      CHECK(far.memory().bytes_read == 4 * 6 * kRowBytes);
    }
  }

  TEST_CASE("kept sets come as a bit a token, and only where something was left out") {
    const Small small;
    HostKernels host(best_instructions(), 1);
    for (const double top_p : {0.9, 1.0}) {
      CAPTURE(top_p);
      const Sampling sampling{.temperature = 0.7, .top_p = top_p};
      far::FarKernels far(best_instructions());

      const auto made = run_on(far, small.weights, some_requests(sampling, KeepSets::Yes));

      CHECK(all_same(made, run_on(host, small.weights, some_requests(sampling, KeepSets::Yes))));
      CHECK(std::get<Sample>(made[0]).kept[0].empty() == (top_p == 1));
      CHECK(far.memory().bytes_read == 4 * 6 * (kRowBytes + (top_p < 1 ? kSetBytes : 0)));
    }
  }

  TEST_CASE("kept sets of neighbours are told apart from those nobody wants") {
    const Small small;
    HostKernels host(best_instructions(), 1);
    far::FarKernels far(best_instructions());
    const auto mixed = [] {
      std::vector<SampleRequest> requests;
      for (uint64_t i = 0; i < 6; ++i)
        requests.push_back(request(i, {.temperature = 1, .top_k = int32_t(3 + i)},
                                   i == 2 ? KeepSets::No : KeepSets::Yes));
      return requests;
    };

    const auto made = run_on(far, small.weights, mixed());

    CHECK(all_same(made, run_on(host, small.weights, mixed())));
    CHECK(std::get<Sample>(made[5]).kept[0].size() == 8);
    CHECK(far.memory().bytes_read == 6 * 6 * kRowBytes + 5 * 6 * kSetBytes);
  }

  TEST_CASE("a row whose grammar allows a list is read, its neighbours are not") {
    const Small small;
    HostKernels host(best_instructions(), 1);
    far::FarKernels far(best_instructions());
    const auto with_grammar = [](std::size_t others) {
      auto requests = some_requests({.temperature = 0.7});
      requests.resize(1 + others);
      requests[0].grammar = std::make_unique<OddTokens>();
      return requests;
    };

    const auto alone = run_on(far, small.weights, with_grammar(0));
    CHECK(all_same(alone, run_on(host, small.weights, with_grammar(0))));
    CHECK(std::ranges::all_of(std::get<Sample>(alone[0]).tokens, [](int t) { return t % 2 == 1; }));
    CHECK(far.memory().bytes_read == 6 * kLogitBytes);

    far.memory().bytes_read = 0;
    const auto together = run_on(far, small.weights, with_grammar(3));
    CHECK(all_same(together, run_on(host, small.weights, with_grammar(3))));
    // Its first token is made while the others wait for the prompt: nothing else is drawn then.
    CHECK(far.memory().bytes_read == 6 * kLogitBytes + (4 * 6 - 1) * kRowBytes);
  }

  TEST_CASE("more rows than a device makes logits of at once are drawn part after part") {
    const Small small;
    HostKernels host(best_instructions(), 1);
    far::FarKernels far(best_instructions());
    constexpr uint64_t kSamples = model::Network::kLogitsRows + 44;
    const auto many = [] {
      std::vector<SampleRequest> requests;
      for (uint64_t i = 0; i < kSamples; ++i) {
        requests.push_back(request(i, {.temperature = 1, .top_k = 20}, KeepSets::Yes));
        requests.back().prompt = prompt_of(1, i % 7);
        requests.back().tokens_max = 2;
      }
      return requests;
    };
    CHECK(all_same(run_on(far, small.weights, many()), run_on(host, small.weights, many())));
  }

  TEST_CASE("logits that are no numbers are refused in the processor's words") {
    const Small small;
    HostKernels host(best_instructions(), 1);
    far::FarKernels far(best_instructions());
    const Damaged late(small.weights, {7, 9}), first(small.weights, {0, 9});
    for (Kernels* kernels : {static_cast<Kernels*>(&host), static_cast<Kernels*>(&far)}) {
      for (const SampleOutcome& outcome : run_on(*kernels, late.weights, some_requests({})))
        CHECK(message_of(outcome) == "position 19: logit 7 is NaN or infinite");
      for (const SampleOutcome& outcome : run_on(*kernels, first.weights, some_requests({})))
        CHECK(message_of(outcome) ==
              "the logits at position 19 are not numbers; the weights or the cache are damaged");
      auto listed = some_requests({});
      listed.resize(1);
      listed[0].grammar = std::make_unique<OddTokens>();
      CHECK(message_of(run_on(*kernels, late.weights, std::move(listed))[0]) ==
            "position 19: logit 7 is NaN or infinite");
    }
  }

  TEST_CASE("what it takes of a device's memory is known before") {
    for (const int64_t rows : {1, 64, 1000}) {
      const int64_t bytes = engine::DeviceDraws::bytes(kTokens, rows);
      far::FarKernels enough(Instructions::Plain, 1, bytes);
      CHECK_NOTHROW(engine::DeviceDraws(enough, kTokens, rows));
      far::FarKernels less(Instructions::Plain, 1, bytes - 1);
      CHECK_THROWS_AS(engine::DeviceDraws(less, kTokens, rows), OutOfMemory);
    }
  }

  TEST_CASE("on emulated CUDA kernels the tiny model's tokens are those drawn on the processor") {
    const std::filesystem::path path = std::filesystem::path(SOURCE_DIR) / "model/tiny";
    const model::Weights weights = model::load_weights(
        model::read_config(path), model::Checkpoint::open(path), model::WeightFormat::AsIs);
    const auto few_requests = [](const Sampling& sampling) {
      std::vector<SampleRequest> requests;
      for (uint64_t i = 0; i < 3; ++i) {
        requests.push_back(request(i, sampling, KeepSets::Yes));
        requests.back().prompt = prompt_of(5);
        requests.back().tokens_max = 4;
      }
      return requests;
    };
    const auto tokens_of = [](const std::vector<SampleOutcome>& outcomes) {
      std::vector<Tokens> tokens;
      for (const SampleOutcome& each : outcomes) tokens.push_back(std::get<Sample>(each).tokens);
      return tokens;
    };
    for (const double temperature : {0.0, 0.7}) {
      CAPTURE(temperature);
      const Sampling sampling{.temperature = temperature, .top_p = 0.95};
      const auto emulated = emulation::kernels();
      HostKernels host(Instructions::Plain, 1);

      const auto drawn = run_on(*emulated, weights, few_requests(sampling));
      const auto read = run_on(*emulated, weights, few_requests(sampling), Draws::OnTheProcessor);

      CHECK(tokens_of(drawn) == tokens_of(read));
      for (std::size_t i = 0; i < drawn.size(); ++i)
        CHECK(std::get<Sample>(drawn[i]).kept == std::get<Sample>(read[i]).kept);
      CHECK(tokens_of(drawn) == tokens_of(run_on(host, weights, few_requests(sampling))));
    }
  }
}
