#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/grammar.h"
#include "engine/sampling.h"
#include "model/network.h"
#include "model/tokenizer.h"

namespace engine {

using Tokens = model::Tokens;

enum class Lane { Generate, Verify, MetaVerify };
inline constexpr int kLanes = 3;

// One timeline: a prompt and what the model goes on with. Samples of one prompt share `prompt`.
struct SampleRequest {
  std::shared_ptr<const Tokens> prompt;
  Sampling sampling;
  uint64_t seed = 0;
  uint64_t sample = 0;     // which of the prompt's samples: the second key of its random numbers
  int32_t tokens_max = 0;  // to make
  std::vector<int32_t> end_tokens;
  std::vector<std::string> stops;  // texts that end it; found across tokens
  Lane lane = Lane::Verify;
  KeepSets keep_sets = KeepSets::No;
  std::unique_ptr<Grammar> grammar;
};

enum class Ended { EndToken, StopText, Length, ContextFull };

struct Sample {
  Tokens tokens;                       // made, the end token included
  std::vector<float> log_probability;  // of each
  std::vector<std::vector<int32_t>> kept;
  Ended ended = Ended::EndToken;
  std::size_t stop_index = 0;  // which of `stops`
  int32_t prompt_tokens = 0;
  int32_t cached_tokens = 0;  // of the prompt, found in the prefix tree or forked
};

// Why there is no sample. The engine goes on with the others.
struct SampleFailure {
  enum class Kind { Refused, Broken, Cancelled };
  Kind kind = Kind::Refused;
  std::string message;
};

using SampleOutcome = std::variant<Sample, SampleFailure>;

struct SchedulerOptions {
  int32_t running_max = 64;     // samples that hold pages
  int32_t waiting_max = 65536;  // beyond it, submissions are refused
  int32_t rows_max = 512;       // of one step: decoding rows first, then prompt tokens
  int64_t cache_bytes = 1 << 30;
  int32_t stops_max = 16;
  std::size_t stop_bytes_max = 256;
};

struct SchedulerFigures {
  int64_t steps = 0;
  int64_t prompt_rows = 0;  // prompt tokens computed
  int64_t decode_rows = 0;
  int64_t cached_tokens = 0;  // prompt tokens not computed
  int64_t preemptions = 0;    // running samples put back for want of pages
};

// Which rows go into which step. Continuous batching: each step takes one row of every decoding
// sample and fills up with prompt tokens. Samples of one prompt wait for the first of them to
// compute it, then fork. Lanes are served in turn. When pages run out, unused prefixes go first,
// then the youngest sample is put back and computed again later, to the same bits. Not thread-safe;
// Engine gives it a thread.
class Scheduler {
 public:
  // All three outlive it. Throws model::Refused if cache_bytes has no room for one context's pages.
  Scheduler(model::Network& network, const model::Tokenizer& tokenizer,
            const SchedulerOptions& options);
  ~Scheduler();

  using Id = uint64_t;
  using Done = std::function<void(SampleOutcome outcome)>;
  // Each token as it is made.
  using Progress = std::function<void(int32_t token)>;

  // `done` is called once, from within step() or cancel(), or at once if the request is refused: an
  // empty prompt, a token that the model does not have, prompt plus one token longer than the
  // context or than all pages, too many waiting.
  Id submit(SampleRequest request, Done done, Progress progress);
  void cancel(Id id);  // an unknown id is ignored

  // Computes one step; false: there is nothing to do.
  bool step();

  SchedulerFigures figures() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
