#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/scheduler.h"
#include "kernels/kernels.h"
#include "training/batch.h"
#include "training/parameters.h"

namespace training {

// One answer, with all that training on it must know (DeepSeek-V3.2, 3.1).
struct Rollout {
  std::shared_ptr<const model::Tokens> prompt = {};
  model::Tokens answer = {};                    // the end token included
  std::vector<float> log_probability = {};      // of each, before filters
  std::vector<float> log_kept = {};             // of each: the share that filters left
  std::vector<std::vector<int32_t>> kept = {};  // of each; empty: all ids
  // [prompt and answer but the last token, MoE layers, chosen]; -1: the router's choice, where
  // it changes nothing: in the last layer, of prompt tokens that nothing is asked of.
  std::vector<int32_t> experts = {};
  engine::Ended ended = engine::Ended::EndToken;
};

// What is asked: answers `first` ... to a prompt. Its samples read the prompt once.
struct Ask {
  std::shared_ptr<const model::Tokens> prompt;
  uint64_t seed = 0;
  uint64_t samples = 1;
};

struct SamplerOptions {
  int64_t rows_max = 512;  // of one step
  int32_t running_max = 128;
  int64_t context_max = 0;  // 0: the model's
  int64_t cache_bytes = 256 << 20;
};

// The engine over weights that are being trained, with float caches. Equal weights, asks and
// sampling give equal bits. Used by one thread.
class Sampler {
 public:
  // What `views` see, `kernels` and `tokenizer` outlive it. Throws as engine::Scheduler does.
  Sampler(const model::Config& config, const ParameterViews<const float>& views, Kernels& kernels,
          const model::Tokenizer& tokenizer, const SamplerOptions& options);
  ~Sampler();

  // Of all asks, one behind the other. Reads the weights as they are now. Throws
  // std::runtime_error if an answer fails: a prompt longer than the context, weights that are no
  // numbers.
  std::vector<Rollout> sample(std::span<const Ask> asks, const engine::Sampling& sampling,
                              int32_t tokens_max);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// What of a rollout is held fast when it is trained on.
struct Replay {
  enum class Keep { No, Yes };
  Keep routing = Keep::Yes;  // the experts that were chosen
  Keep mask = Keep::Yes;     // the ids that could be drawn
};

// Rollouts as documents, whose answers are asked for. The place of an answer's first target is
// first[document] + prompt - 1.
Batch batch_of(std::span<const Rollout* const> rollouts, const model::Config& config,
               const Replay& replay);

// What the sampled tokens' log-probabilities are to be compared with.
std::vector<double> sampled_scores(const Rollout& rollout, const Replay& replay);

}  // namespace training
