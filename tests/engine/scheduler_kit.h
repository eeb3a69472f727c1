#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <variant>

#include "engine/scheduler.h"
#include "tests/engine/fake_stepper.h"
#include "tests/engine/tokens_kit.h"

namespace engine_kit {

using engine::Sample;
using engine::SampleFailure;
using engine::SampleRequest;
using engine::Scheduler;
using engine::SchedulerOptions;
using engine::Tokens;

class Dice {
 public:
  explicit Dice(uint64_t seed) : seed_(seed) {}
  int below(int count) { return int(engine::uniform(seed_, 0, next_++) * count); }
  int between(int least, int most) { return least + below(most - least + 1); }
  bool chance(double rate) { return engine::uniform(seed_, 0, next_++) < rate; }

 private:
  uint64_t seed_;
  uint64_t next_ = 0;
};

inline std::shared_ptr<const Tokens> prompt_of(int32_t count, uint64_t seed = 1) {
  Tokens tokens;
  for (int32_t i = 0; i < count; ++i) tokens.push_back(int32_t(mixed(seed, uint64_t(i)) % 256));
  return std::make_shared<const Tokens>(std::move(tokens));
}

inline const model::Tokenizer& bytes_tokenizer() {
  static const model::Tokenizer tokenizer = tokenizer_of({"ab", "cd\n"}, {"<end>"});
  return tokenizer;
}

// A request may not be copied for its grammar's sake; these have none.
inline SampleRequest copy_of(const SampleRequest& from) {
  return {.prompt = from.prompt,
          .sampling = from.sampling,
          .seed = from.seed,
          .sample = from.sample,
          .tokens_max = from.tokens_max,
          .end_tokens = from.end_tokens,
          .stops = from.stops,
          .lane = from.lane,
          .keep_sets = from.keep_sets};
}

// What a sample must be, found without a scheduler, pages or steps.
inline Sample alone(const SampleRequest& request, int64_t context_max) {
  Sample sample{.prompt_tokens = int32_t(request.prompt->size())};
  Digest digest;
  for (const int32_t token : *request.prompt) digest.add(token);
  std::vector<float> logits(kVocabulary);
  std::string text;
  for (;;) {
    write_logits(digest.value(), logits.data(), kVocabulary);
    const std::size_t position = request.prompt->size() + sample.tokens.size();
    auto drawn = engine::draw({logits.data(), {kVocabulary}}, request.sampling,
                              engine::uniform(request.seed, request.sample, position),
                              request.keep_sets, nullptr);
    sample.tokens.push_back(drawn.token);
    sample.log_probability.push_back(drawn.log_probability);
    if (request.keep_sets == engine::KeepSets::Yes) sample.kept.push_back(drawn.kept);
    text += bytes_tokenizer().bytes(drawn.token);
    digest.add(drawn.token);

    const auto& ends = request.end_tokens;
    if (std::find(ends.begin(), ends.end(), drawn.token) != ends.end()) {
      sample.ended = engine::Ended::EndToken;
      return sample;
    }
    for (std::size_t i = 0; i < request.stops.size(); ++i) {
      if (text.find(request.stops[i]) == std::string::npos) continue;
      sample.ended = engine::Ended::StopText;
      sample.stop_index = i;
      return sample;
    }
    if (int32_t(sample.tokens.size()) == request.tokens_max) {
      sample.ended = engine::Ended::Length;
      return sample;
    }
    if (int64_t(position) + 1 == context_max) {
      sample.ended = engine::Ended::ContextFull;
      return sample;
    }
  }
}

inline bool same(const Sample& a, const Sample& b) {
  return a.tokens == b.tokens && a.log_probability == b.log_probability && a.kept == b.kept &&
         a.ended == b.ended && a.stop_index == b.stop_index && a.prompt_tokens == b.prompt_tokens;
}

// A scheduler over the stand-in, and what came out of it.
struct Bench {
  struct Shape {
    int64_t rows_max = 512;
    int64_t context_max = 4096;
    int32_t pages = 0;  // 0: ten contexts
    int32_t running_max = 64;
    int32_t waiting_max = 1000;
  };

  explicit Bench(const Shape& shape)
      : stepper(shape.rows_max, shape.context_max),
        context_max(shape.context_max),
        scheduler(stepper, bytes_tokenizer(), options_of(shape)) {}

  static SchedulerOptions options_of(const Shape& shape) {
    const int64_t pages = shape.pages ? shape.pages : 10 * ((shape.context_max + 63) / 64);
    return {.running_max = shape.running_max,
            .waiting_max = shape.waiting_max,
            .rows_max = int32_t(shape.rows_max),
            .cache_bytes = pages * FakeStepper::kPageBytes};
  }

  Scheduler::Id submit(SampleRequest request, Scheduler::Progress progress = {}) {
    const std::size_t place = submitted++;
    return scheduler.submit(
        std::move(request),
        [this, place](engine::SampleOutcome outcome) {
          ++done_calls[place];
          order.push_back(place);
          outcomes[place] = std::move(outcome);
        },
        std::move(progress));
  }
  void finish() {
    while (scheduler.step()) {
    }
  }

  const Sample& sample(std::size_t place) const { return std::get<Sample>(outcomes.at(place)); }
  const SampleFailure& failure(std::size_t place) const {
    return std::get<SampleFailure>(outcomes.at(place));
  }

  // Every page is free or held by the tree alone.
  bool nothing_leaks() {
    const auto before = scheduler.figures();
    scheduler.forget_prefixes();
    const auto after = scheduler.figures();
    return before.running == 0 && before.waiting == 0 &&
           before.pages_free + before.pages_known == before.pages &&
           after.pages_free == after.pages && after.pages_known == 0;
  }

  FakeStepper stepper;
  int64_t context_max;
  std::size_t submitted = 0;
  std::map<std::size_t, engine::SampleOutcome> outcomes;  // by order of submission
  std::map<std::size_t, int> done_calls;
  std::vector<std::size_t> order;  // of becoming done
  Scheduler scheduler;             // last: its destructor calls back
};

}  // namespace engine_kit
