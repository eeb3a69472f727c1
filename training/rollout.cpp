#include "training/rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <utility>

#include "engine/network_stepper.h"
#include "training/engine_weights.h"

namespace training {
namespace {

constexpr int64_t kWordBits = 64;

int64_t experts_of_token(const model::Config& config) {
  int64_t count = 0;
  for (int64_t layer = 0; layer < config.layers; ++layer)
    if (config.is_moe(layer)) count += config.chosen_experts;
  return count;
}

// Experts of prompt tokens, by the tokens that led there: what one sample computed, those that
// found it in the prefix tree learn from here. A row depends on its own and the tokens before it
// alone.
class KnownExperts {
 public:
  explicit KnownExperts(std::size_t width) : width_(width) {}

  void learn(const Rollout& rollout) {
    follow(rollout, [&](const Place& place, std::span<const int32_t> experts) {
      std::vector<int32_t>& known = experts_[place];
      if (known.empty()) known.assign(width_, -1);
      for (std::size_t i = 0; i < width_; ++i) known[i] = std::max(known[i], experts[i]);
    });
  }

  void complete(Rollout& rollout) const {
    follow(rollout, [&](const Place& place, std::span<int32_t> experts) {
      const std::vector<int32_t>& known = experts_.at(place);
      for (std::size_t i = 0; i < width_; ++i) experts[i] = std::max(known[i], experts[i]);
    });
  }

 private:
  // Two hashes of the tokens so far, and how many they are.
  using Place = std::array<uint64_t, 3>;

  template <class Either, class Visit>
  void follow(Either& rollout, const Visit& visit) const {
    Place place = {0xCBF29CE484222325u, 0x9E3779B97F4A7C15u, 0};
    const std::size_t prompt = rollout.prompt->size();
    const std::size_t rows = width_ == 0 ? 0 : std::min(prompt, rollout.experts.size() / width_);
    for (std::size_t row = 0; row < rows; ++row) {
      const int32_t token = (*rollout.prompt)[row];
      place[0] = (place[0] ^ uint64_t(token)) * 0x100000001B3u;
      place[1] = (place[1] + uint64_t(token) + 1) * 0xBF58476D1CE4E5B9u;
      place[1] ^= place[1] >> 31;
      place[2] = row;
      visit(place, std::span(rollout.experts).subspan(row * width_, width_));
    }
  }

  std::size_t width_;
  std::map<Place, std::vector<int32_t>> experts_;
};

// Sets the bits of the ids that could be drawn.
void set_bits(std::span<uint64_t> words, const std::vector<int32_t>& kept, int64_t vocabulary) {
  if (!kept.empty()) {
    for (const int32_t id : kept)
      words[std::size_t(id / kWordBits)] |= uint64_t(1) << (id % kWordBits);
    return;
  }
  for (int64_t id = 0; id < vocabulary; ++id)
    words[std::size_t(id / kWordBits)] |= uint64_t(1) << (id % kWordBits);
}

}  // namespace

class Sampler::Impl {
 public:
  Impl(const model::Config& config, const ParameterViews<const float>& views, Kernels& kernels,
       const model::Tokenizer& tokenizer, const SamplerOptions& options)
      : weights_(engine_weights(config, views)),
        network_(weights_, kernels,
                 {.rows_max = options.rows_max,
                  .context_max = options.context_max,
                  .cache_type = Number::F32,
                  .routing = model::Routing::Record}),
        stepper_(engine::stepper_of(network_)),
        scheduler_(*stepper_, tokenizer,
                   {.running_max = options.running_max,
                    .rows_max = int32_t(options.rows_max),
                    .cache_bytes = options.cache_bytes}) {}

  std::vector<Rollout> sample(std::span<const Ask> asks, const engine::Sampling& sampling,
                              int32_t tokens_max) {
    scheduler_.forget_prefixes();  // they are of other weights
    std::vector<Rollout> rollouts;
    std::vector<std::string> failures;
    for (const Ask& ask : asks)
      for (uint64_t i = 0; i < ask.samples; ++i) rollouts.push_back({.prompt = ask.prompt});
    std::size_t place = 0;
    for (const Ask& ask : asks)
      for (uint64_t i = 0; i < ask.samples; ++i, ++place)
        submit(ask, i, sampling, tokens_max, rollouts[place], failures);
    while (scheduler_.step()) {
    }
    if (!failures.empty()) throw std::runtime_error("a rollout failed: " + failures.front());

    KnownExperts known(std::size_t(network_.experts_of_row()));
    for (const Rollout& rollout : rollouts) known.learn(rollout);
    for (Rollout& rollout : rollouts) known.complete(rollout);
    return rollouts;
  }

 private:
  void submit(const Ask& ask, uint64_t sample, const engine::Sampling& sampling, int32_t tokens_max,
              Rollout& rollout, std::vector<std::string>& failures) {
    engine::SampleRequest request{.prompt = ask.prompt,
                                  .sampling = sampling,
                                  .seed = ask.seed,
                                  .sample = sample,
                                  .tokens_max = tokens_max,
                                  .end_tokens = weights_.config.end_tokens,
                                  .keep_sets = engine::KeepSets::Yes,
                                  .keep_experts = engine::KeepExperts::Yes};
    scheduler_.submit(std::move(request),
                      [&rollout, &failures](engine::SampleOutcome outcome) {
                        if (const auto* failure = std::get_if<engine::SampleFailure>(&outcome)) {
                          failures.push_back(failure->message);
                          return;
                        }
                        auto& made = std::get<engine::Sample>(outcome);
                        rollout.answer = std::move(made.tokens);
                        rollout.log_probability = std::move(made.log_probability);
                        rollout.log_kept = std::move(made.log_kept);
                        rollout.kept = std::move(made.kept);
                        rollout.experts = std::move(made.experts);
                        rollout.ended = made.ended;
                      },
                      {});
  }

  model::Weights weights_;
  model::Network network_;
  std::unique_ptr<engine::Stepper> stepper_;
  engine::Scheduler scheduler_;
};

Sampler::Sampler(const model::Config& config, const ParameterViews<const float>& views,
                 Kernels& kernels, const model::Tokenizer& tokenizer, const SamplerOptions& options)
    : impl_(std::make_unique<Impl>(config, views, kernels, tokenizer, options)) {}
Sampler::~Sampler() = default;

std::vector<Rollout> Sampler::sample(std::span<const Ask> asks, const engine::Sampling& sampling,
                                     int32_t tokens_max) {
  return impl_->sample(asks, sampling, tokens_max);
}

Batch batch_of(std::span<const Rollout* const> rollouts, const model::Config& config,
               const Replay& replay) {
  const auto width = std::size_t(experts_of_token(config));
  const auto words = std::size_t((config.vocabulary + kWordBits - 1) / kWordBits);
  Batch batch;
  for (const Rollout* rollout : rollouts) {
    const std::size_t prompt = rollout->prompt->size(), answer = rollout->answer.size();
    const std::size_t begin = batch.token.size(),
                      rows = prompt + answer - 1;  // the last is no input
    batch.token.insert(batch.token.end(), rollout->prompt->begin(), rollout->prompt->end());
    batch.token.insert(batch.token.end(), rollout->answer.begin(), rollout->answer.end() - 1);
    batch.target.resize(begin + prompt - 1, -1);
    batch.target.insert(batch.target.end(), rollout->answer.begin(), rollout->answer.end());
    batch.first.push_back(int32_t(begin + rows));
    if (replay.routing == Replay::Keep::Yes) {
      batch.experts.insert(batch.experts.end(), rollout->experts.begin(), rollout->experts.end());
      batch.experts.resize((begin + rows) * width, -1);
    }
    if (replay.mask == Replay::Keep::No) continue;
    batch.kept.resize((begin + rows) * words);
    for (std::size_t t = 0; t < answer; ++t)
      set_bits(std::span(batch.kept).subspan((begin + prompt - 1 + t) * words, words),
               rollout->kept[t], config.vocabulary);
  }
  return batch;
}

std::vector<double> sampled_scores(const Rollout& rollout, const Replay& replay) {
  std::vector<double> scores(rollout.log_probability.begin(), rollout.log_probability.end());
  if (replay.mask == Replay::Keep::Yes)
    for (std::size_t t = 0; t < scores.size(); ++t) scores[t] -= rollout.log_kept[t];
  return scores;
}

}  // namespace training
