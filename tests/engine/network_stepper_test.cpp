#include "engine/network_stepper.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/engine/scheduler_kit.h"
#include "tests/model/tiny_checkpoint.h"

using namespace engine_kit;
using engine::stepper_of;

// The scheduler on a real network: the same equalities as on the stand-in.

namespace {

struct Tiny {
  tiny::Directory directory;
  model::Config config;
  model::Weights weights;

  explicit Tiny(model::Family family) {
    tiny::write(directory.path(), {.family = family});
    config = model::read_config(directory.path());
    weights = model::load_weights(config, model::Checkpoint::open(directory.path()),
                                  model::WeightFormat::AsIs);
  }
};

SampleRequest request(uint64_t sample) {
  return {.prompt = prompt_of(130),
          .sampling = {.temperature = 1, .top_p = 0.95},
          .seed = 3,
          .sample = sample,
          .tokens_max = 12,
          .keep_sets = engine::KeepSets::Yes};
}

std::vector<Sample> samples_of(const Tiny& tiny, int rows_max, int threads, uint64_t first,
                               uint64_t count, int64_t pages) {
  HostKernels kernels(best_instructions(), threads);
  model::Network network(tiny.weights, kernels, {.rows_max = rows_max, .context_max = 256});
  const auto stepper = stepper_of(network);
  const SchedulerOptions options{.rows_max = rows_max,
                                 .cache_bytes = pages * stepper->limits().page_bytes};
  Scheduler scheduler(*stepper, bytes_tokenizer(), options);
  std::vector<Sample> samples(count);
  for (uint64_t i = 0; i < count; ++i)
    scheduler.submit(request(first + i),
                     [&samples, i](engine::SampleOutcome outcome) {
                       samples[i] = std::get<Sample>(std::move(outcome));
                     },
                     {});
  while (scheduler.step()) {
  }
  return samples;
}

void check_equalities(model::Family family) {
  const Tiny tiny(family);
  constexpr uint64_t kSamples = 8;
  std::vector<Sample> alone;
  for (uint64_t i = 0; i < kSamples; ++i)
    alone.push_back(samples_of(tiny, 256, 1, i, 1, 4).front());
  std::set<Tokens> different;
  for (const Sample& sample : alone) different.insert(sample.tokens);
  CHECK(different.size() > kSamples / 2);

  for (const int rows_max : {1, 7, 64, 256}) {
    CAPTURE(rows_max);
    const auto together = samples_of(tiny, rows_max, 2, 0, kSamples, 100);
    const auto crowded = samples_of(tiny, rows_max, 1, 0, kSamples, 6);
    for (std::size_t i = 0; i < kSamples; ++i) {
      CHECK(same(together[i], alone[i]));
      CHECK(same(crowded[i], alone[i]));
    }
  }
}

}  // namespace

TEST_SUITE("engine/network_stepper") {
  TEST_CASE("sparse attention: alone, in a batch, chunked, forked and put back are equal") {
    check_equalities(model::Family::DeepseekV32);
  }

  TEST_CASE("experts are kept for every row that a sample computed, however steps are cut") {
    const Tiny tiny(model::Family::DeepseekV32);
    int64_t width = 0;
    const auto with_experts = [&](int rows_max, int64_t pages) {
      HostKernels kernels(best_instructions(), 1);
      model::Network network(
          tiny.weights, kernels,
          {.rows_max = rows_max, .context_max = 256, .routing = model::Routing::Record});
      width = network.experts_of_row();
      const auto stepper = stepper_of(network);
      Scheduler scheduler(
          *stepper, bytes_tokenizer(),
          {.rows_max = rows_max, .cache_bytes = pages * stepper->limits().page_bytes});
      std::vector<Sample> samples(3);
      for (uint64_t i = 0; i < samples.size(); ++i) {
        SampleRequest asked = request(i);
        asked.keep_experts = engine::KeepExperts::Yes;
        scheduler.submit(
            std::move(asked),
            [&samples, i](engine::SampleOutcome o) { samples[i] = std::get<Sample>(std::move(o)); },
            {});
      }
      while (scheduler.step()) {
      }
      return samples;
    };
    const auto whole = with_experts(256, 100), cut = with_experts(7, 100),
               crowded = with_experts(64, 5);

    REQUIRE(width > 0);
    const Sample& leader = whole[0];
    REQUIRE(leader.experts.size() == (130 + leader.tokens.size() - 1) * std::size_t(width));
    CHECK(cut[0].experts == leader.experts);
    for (std::size_t i = 129 * std::size_t(width); i < leader.experts.size(); ++i)
      CHECK(leader.experts[i] >= 0);  // rows whose logits were asked for
    // The others found the prompt, and know what they computed themselves.
    for (std::size_t i = 0; i < 3; ++i) {
      REQUIRE(crowded[i].experts.size() == whole[i].experts.size());
      CHECK(crowded[i].tokens == whole[i].tokens);
      for (std::size_t j = 129 * std::size_t(width); j < whole[i].experts.size(); ++j)
        CHECK(crowded[i].experts[j] == whole[i].experts[j]);
    }
    CHECK(whole[1].experts.front() == -1);
    CHECK(leader.experts.front() >= 0);
  }

  TEST_CASE("dense attention: alone, in a batch, chunked, forked and put back are equal") {
    check_equalities(model::Family::DeepseekV3);
  }
}
