#include "engine/engine.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "tests/engine/scheduler_kit.h"

using namespace engine_kit;
using engine::Engine;
using engine::SampleOutcome;
using Kind = SampleFailure::Kind;

namespace {

SampleRequest request(uint64_t prompt, uint64_t sample, int32_t tokens_max = 20) {
  return {.prompt = prompt_of(100, prompt),
          .sampling = {.temperature = 0.8},
          .seed = 7,
          .sample = sample,
          .tokens_max = tokens_max};
}

std::unique_ptr<FakeStepper> stepper() { return std::make_unique<FakeStepper>(64, 4096); }

// A stand-in whose step waits until it may go on.
class HeldStepper : public FakeStepper {
 public:
  HeldStepper() : FakeStepper(64, 4096) {}
  void forward(std::span<const model::Row> rows, View<float, 2> logits) override {
    entered.set_value();
    go_on.get_future().wait();
    FakeStepper::forward(rows, logits);
  }
  std::promise<void> entered, go_on;
};

SampleOutcome outcome_of(Engine& engine, SampleRequest one) {
  std::promise<SampleOutcome> promise;
  engine.submit(std::move(one),
                [&](SampleOutcome outcome) { promise.set_value(std::move(outcome)); }, {});
  return promise.get_future().get();
}

}  // namespace

TEST_SUITE("engine/engine") {
  TEST_CASE("a sample comes back, and the next one after a rest") {
    Engine engine(stepper(), bytes_tokenizer(), {});
    for (uint64_t i = 0; i < 3; ++i)
      CHECK(same(std::get<Sample>(outcome_of(engine, request(1, i))), alone(request(1, i), 4096)));
    CHECK(engine.figures().prompt_rows > 0);
  }

  TEST_CASE("many threads submit and cancel, and each gets its own") {
    constexpr int kThreads = 4, kEach = 40;
    std::mutex mutex;
    int right = 0, cancelled = 0, wrong = 0;
    {
      Engine engine(stepper(), bytes_tokenizer(), {.running_max = 8});
      std::vector<std::thread> threads;
      std::atomic<int> open = kThreads * kEach;
      std::promise<void> all;
      for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
          for (int i = 0; i < kEach; ++i) {
            const auto prompt = uint64_t(i % 3), sample = uint64_t(t * kEach + i);
            const auto id = engine.submit(
                request(prompt, sample),
                [&, prompt, sample](SampleOutcome outcome) {
                  const auto* one = std::get_if<Sample>(&outcome);
                  {
                    const std::lock_guard lock(mutex);
                    if (!one)
                      ++cancelled;
                    else
                      ++(same(*one, alone(request(prompt, sample), 4096)) ? right : wrong);
                  }
                  if (--open == 0) all.set_value();
                },
                [](int32_t) {});
            if (i % 8 == 7) engine.cancel(id);
            if (i % 16 == 0) engine.figures();
          }
        });
      for (auto& thread : threads) thread.join();
      all.get_future().wait();
      CHECK(engine.figures().waiting == 0);
    }
    CHECK(wrong == 0);
    CHECK(right + cancelled == kThreads * kEach);
    CHECK(right >= kThreads * kEach * 7 / 8);
  }

  TEST_CASE("an engine that goes away has called every done") {
    int done = 0;
    {
      Engine engine(stepper(), bytes_tokenizer(), {});
      for (uint64_t i = 0; i < 100; ++i)
        engine.submit(request(i, 0, 3000), [&](SampleOutcome) { ++done; }, {});
    }
    CHECK(done == 100);
  }

  TEST_CASE("callbacks may call the engine") {
    Engine engine(stepper(), bytes_tokenizer(), {});
    std::promise<SampleOutcome> first, second;
    std::atomic<Engine::Id> id = 0;
    std::promise<void> known;
    auto known_future = known.get_future().share();
    id = engine.submit(
        request(1, 0, 3000),
        [&](SampleOutcome outcome) {
          engine.submit(request(2, 0),
                        [&](SampleOutcome other) { second.set_value(std::move(other)); }, {});
          first.set_value(std::move(outcome));
        },
        [&](int32_t) {
          known_future.wait();
          engine.cancel(id);
        });
    known.set_value();

    CHECK(std::get<SampleFailure>(first.get_future().get()).kind == Kind::Cancelled);
    CHECK(same(std::get<Sample>(second.get_future().get()), alone(request(2, 0), 4096)));
  }

  TEST_CASE("what cannot be met is refused through the same door") {
    Engine engine(stepper(), bytes_tokenizer(), {});
    auto bad = request(1, 0);
    bad.prompt = std::make_shared<const Tokens>(Tokens{kVocabulary});
    CHECK(std::get<SampleFailure>(outcome_of(engine, std::move(bad))).kind == Kind::Refused);
  }

  TEST_CASE("more submissions than may wait are refused during a long step") {
    auto held = std::make_unique<HeldStepper>();
    HeldStepper& step = *held;
    int refused = 0, cancelled = 0;
    {
      Engine engine(std::move(held), bytes_tokenizer(), {.waiting_max = 2});
      const auto note = [&](SampleOutcome outcome) {
        ++(std::get<SampleFailure>(outcome).kind == Kind::Refused ? refused : cancelled);
      };
      engine.submit(request(1, 0, 3000), note, {});
      step.entered.get_future().wait();

      CHECK(engine.submit(request(1, 1), note, {}) == 2);
      CHECK(engine.submit(request(1, 2), note, {}) == 3);
      CHECK(engine.submit(request(1, 3), note, {}) == Engine::kRefused);
      CHECK(refused == 1);
      for (const Engine::Id id : {1, 2, 3, 0, 77}) engine.cancel(id);
      step.go_on.set_value();
    }
    CHECK(refused == 1);
    CHECK(cancelled == 3);
  }

  TEST_CASE("options that cannot be are refused by the one who makes it") {
    CHECK_THROWS_AS(Engine(stepper(), bytes_tokenizer(), {.cache_bytes = 1}), model::Refused);
  }
}
