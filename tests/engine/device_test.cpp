// The engine on a device whose memory the processor cannot reach; its kernels are the processor's.
#include "engine/device.h"

#include <doctest/doctest.h>

#include <future>

#include "engine/device_draws.h"
#include "engine/local_model.h"
#include "engine/network_stepper.h"
#include "engine/pages.h"
#include "tests/emulation/kernels.h"
#include "tests/engine/scheduler_kit.h"
#include "tests/model/far_kernels.h"
#include "tests/model/tiny_checkpoint.h"

using namespace engine_kit;
using engine::Device;
using engine::DeviceChoice;
using engine::LocalModel;
using engine::SampleOutcome;
using Kind = SampleFailure::Kind;

namespace {

struct Tiny {
  tiny::Directory directory;
  model::Weights weights;

  explicit Tiny(model::Family family) {
    tiny::write(directory.path(), {.family = family});
    weights =
        model::load_weights(model::read_config(directory.path()),
                            model::Checkpoint::open(directory.path()), model::WeightFormat::AsIs);
  }
};

// Two prompts, the second of which begins as the first does: found in the prefix tree, the page in
// which they part is copied. The first grow beyond a page.
SampleRequest request(uint64_t sample) {
  Tokens prompt = *prompt_of(126);
  if (sample % 2 == 1) prompt.resize(100);
  return {.prompt = std::make_shared<const Tokens>(std::move(prompt)),
          .sampling = {.temperature = 1, .top_p = 0.95},
          .seed = 3,
          .sample = sample,
          .tokens_max = 12,
          .keep_sets = engine::KeepSets::Yes};
}

struct Made {
  std::vector<Sample> samples;
  engine::SchedulerFigures figures;
};

Made made_on(Kernels& kernels, const Tiny& tiny, int rows_max, uint64_t first, uint64_t count,
             int64_t pages) {
  const auto weights = model::to_device(tiny.weights, kernels.memory(), [](int64_t, int64_t) {});
  model::Network network(weights, kernels, {.rows_max = rows_max, .context_max = 256});
  const auto stepper = engine::stepper_of(network);
  Scheduler scheduler(*stepper, bytes_tokenizer(),
                      {.rows_max = rows_max, .cache_bytes = pages * stepper->limits().page_bytes});
  Made made;
  made.samples.resize(count);
  for (uint64_t i = 0; i < count; ++i)
    scheduler.submit(
        request(first + i),
        [&made, i](SampleOutcome o) { made.samples[i] = std::get<Sample>(std::move(o)); }, {});
  while (scheduler.step()) {
  }
  made.figures = scheduler.figures();
  return made;
}

const std::filesystem::path kTiny = std::filesystem::path(SOURCE_DIR) / "model/tiny";

engine::LocalOptions options() {
  engine::LocalOptions options;
  options.context_max = 256;
  options.cache_bytes = 1 << 20;
  options.rows_max = 64;
  return options;
}

Device far_device(int64_t free_bytes, int64_t lost_after_calls = 0) {
  auto kernels = std::make_unique<far::FarKernels>(best_instructions(), 1, free_bytes);
  kernels->lost_after_calls = lost_after_calls;
  return {.kernels = std::move(kernels),
          .words = "device: far",
          .identity = "device=far",
          .free_bytes = free_bytes};
}

SampleOutcome outcome_of(LocalModel& model, uint64_t sample) {
  std::promise<SampleOutcome> promise;
  SampleRequest asked{.prompt = prompt_of(20), .seed = 3, .sample = sample, .tokens_max = 8};
  model.engine().submit(std::move(asked),
                        [&](SampleOutcome outcome) { promise.set_value(std::move(outcome)); }, {});
  return promise.get_future().get();
}

}  // namespace

TEST_SUITE("engine/device") {
  TEST_CASE("samples are the processor's: alone, in a batch, chunked, forked and put back") {
    for (const auto family : {model::Family::DeepseekV32, model::Family::DeepseekV3}) {
      const Tiny tiny(family);
      constexpr uint64_t kSamples = 6;
      HostKernels host(best_instructions(), 1);
      const auto expected = made_on(host, tiny, 256, 0, kSamples, 100).samples;
      far::FarKernels far(best_instructions());
      for (uint64_t i = 0; i < kSamples; ++i)
        CHECK(same(made_on(far, tiny, 256, i, 1, 4).samples.front(), expected[i]));
      for (const int rows_max : {7, 64}) {
        CAPTURE(rows_max);
        const Made together = made_on(far, tiny, rows_max, 0, kSamples, 100);
        const Made crowded = made_on(far, tiny, rows_max, 0, kSamples, 4);
        for (std::size_t i = 0; i < kSamples; ++i) {
          CHECK(same(together.samples[i], expected[i]));
          CHECK(same(crowded.samples[i], expected[i]));
        }
        CHECK(together.figures.cached_tokens > 0);
        CHECK(crowded.figures.preemptions > 0);
      }
      CHECK(far.replays > 0);
      CHECK(far.memory().taken() == 0);
    }
  }

  TEST_CASE("latents kept as records are part of the identity, and leave room for more tokens") {
    auto wished = options();
    wished.context_max = 0;
    std::vector<std::string> told;
    const auto say = [&](const std::string& line) { told.push_back(line); };
    const auto rows = LocalModel::load(kTiny, wished, say);
    wished.latents = model::LatentFormat::Float8;
    const auto records = LocalModel::load(kTiny, wished, say);

    CHECK(rows->identity().find(" cache=bf16 numerics=plain ") != std::string::npos);
    CHECK(records->identity().find(" cache=fp8+bf16 numerics=plain ") != std::string::npos);
    REQUIRE(told.size() == 4);  // a device and a plan each
    CHECK(told[1].find("at 320 bytes") != std::string::npos);
    CHECK(told[3].find("at 264 bytes") != std::string::npos);
    const Sample once = std::get<Sample>(outcome_of(*records, 1));
    CHECK(same(std::get<Sample>(outcome_of(*records, 1)), once));
    CHECK(!same(std::get<Sample>(outcome_of(*rows, 1)), once));
  }

  TEST_CASE("what is planned is enough to load, and to work") {
    const auto need = model::memory_need(model::read_config(kTiny), *model::Checkpoint::open(kTiny),
                                         {.rows = 64, .context = 256});
    const int64_t all = need.mapped_bytes + need.converted_bytes + need.work_bytes +
                        need.device_bytes + options().cache_bytes +
                        engine::DeviceDraws::bytes(model::read_config(kTiny).vocabulary, 64);
    std::vector<std::string> told;
    const auto say = [&](const std::string& line) { told.push_back(line); };

    const auto far = LocalModel::load_on(far_device(all), kTiny, options(), say);
    const auto host = LocalModel::load(kTiny, options(), [](const std::string&) {});

    for (uint64_t i = 0; i < 3; ++i)
      CHECK(same(std::get<Sample>(outcome_of(*far, i)), std::get<Sample>(outcome_of(*host, i))));
    CHECK(far->identity().ends_with(" numerics=plain device=far"));
    CHECK(host->identity().ends_with(" instructions=" + std::string(to_text(best_instructions()))));
    REQUIRE(told.size() > 2);
    CHECK(told.front().starts_with("on the device: weights 0.00 GiB"));
    CHECK(told.back() == "loaded 0.00 of 0.00 GiB");
    CHECK_THROWS_AS(LocalModel::load_on(far_device(all - 1), kTiny, options(), say),
                    engine::NotEnoughMemory);
  }

  TEST_CASE("a device that fails ends what is asked and all that is asked later") {
    const auto model = LocalModel::load_on(far_device(int64_t(1) << 30, 200), kTiny, options(),
                                           [](const std::string&) {});
    std::vector<std::future<SampleOutcome>> outcomes;
    for (uint64_t i = 0; i < 5; ++i) {
      const auto promise = std::make_shared<std::promise<SampleOutcome>>();
      outcomes.push_back(promise->get_future());
      model->engine().submit(
          {.prompt = prompt_of(20), .sample = i, .tokens_max = 200},
          [promise](SampleOutcome outcome) { promise->set_value(std::move(outcome)); }, {});
    }

    for (auto& one : outcomes) {
      const SampleOutcome outcome = one.get();
      const auto& failure = std::get<SampleFailure>(outcome);
      CHECK(failure.kind == Kind::Lost);
      CHECK(failure.message == "the engine can be used no more: the far device fell silent");
    }
    CHECK(std::get<SampleFailure>(outcome_of(*model, 9)).kind == Kind::Lost);
    CHECK(model->engine().figures().running == 0);
  }

  TEST_CASE("a page is copied where it lies") {
    far::FarMemory memory(1 << 20);
    engine::PagePool pool(8, 3, memory);
    const auto a = pool.take(), b = pool.take();
    memory.write(pool.data(a), "far away", 8);

    pool.copy(a, b);

    char bytes[8];
    memory.read(bytes, pool.data(b), 8);
    CHECK(std::string(bytes, 8) == "far away");
    CHECK_THROWS_AS(engine::PagePool(1 << 10, 1 << 20, memory), OutOfMemory);
  }

  TEST_CASE("the processor is always to be had, and says why it was taken") {
    const Device asked = engine::open_device(DeviceChoice::Cpu, 1);
    CHECK(asked.kernels->memory().reach() == Memory::Reach::Processor);
    CHECK(asked.identity == "instructions=" + std::string(to_text(best_instructions())));
    CHECK(asked.words ==
          "device: the processor (" + std::string(to_text(best_instructions())) + ")");
    const Device found = engine::open_device(DeviceChoice::Auto, 1);
    if (found.identity != asked.identity) return;  // there is a card
    CHECK(found.words.starts_with(asked.words + "; no card: "));
    CHECK_THROWS_AS(engine::open_device(DeviceChoice::Cuda, 1), engine::NoDevice);
  }
}

TEST_SUITE("slow/engine/device") {
  TEST_CASE("on emulated CUDA kernels a sample is the same alone, in a batch and crowded") {
    const Tiny tiny(model::Family::DeepseekV32);
    constexpr uint64_t kSamples = 3;
    const auto emulated = [&](emulation::Order order, int rows_max, uint64_t first, uint64_t count,
                              int64_t pages) {
      const auto kernels = emulation::kernels(order);
      return made_on(*kernels, tiny, rows_max, first, count, pages).samples;
    };

    const auto together = emulated(emulation::Order::Ascending, 64, 0, kSamples, 100);
    const auto crowded = emulated(emulation::Order::Descending, 7, 0, kSamples, 4);

    for (std::size_t i = 0; i < kSamples; ++i) CHECK(same(crowded[i], together[i]));
    const auto alone = emulated(emulation::Order::Ascending, 200, 2, 1, 4);
    CHECK(same(alone.front(), together[2]));
  }
}
