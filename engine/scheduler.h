#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/grammar.h"
#include "engine/lane.h"
#include "engine/sampling.h"
#include "engine/stepper.h"
#include "model/tokenizer.h"

namespace engine {

using Tokens = model::Tokens;

enum class KeepExperts { No, Yes };

// One timeline: a prompt and what the model goes on with. Samples of one prompt share `prompt`.
struct SampleRequest {
  std::shared_ptr<const Tokens> prompt = {};
  Sampling sampling = {};
  uint64_t seed = 0;
  uint64_t sample = 0;     // which of the prompt's samples: the second key of its random numbers
  int32_t tokens_max = 0;  // to make
  std::vector<int32_t> end_tokens = {};
  std::vector<std::string> stops = {};  // texts that end it; found across tokens
  Lane lane = Lane::Verify;
  KeepSets keep_sets = KeepSets::No;
  KeepExperts keep_experts = KeepExperts::No;  // as far as the stepper notes them
  std::unique_ptr<Grammar> grammar = {};
};

// Of several reasons the first that applies.
enum class Ended { EndToken, StopText, Length, ContextFull };

struct Sample {
  Tokens tokens = {};                           // made, the end token included
  std::vector<float> log_probability = {};      // of each
  std::vector<std::vector<int32_t>> kept = {};  // of each, if asked for, and
  std::vector<float> log_kept = {};             // as Drawn
  // If asked for: of each token of prompt and answer but the last, Stepper::Limits::experts_of_row.
  // -1: not computed for this sample but found among what is known, or as in Stepper::experts.
  std::vector<int32_t> experts = {};
  Ended ended = Ended::EndToken;
  std::size_t stop_index = 0;  // which of `stops`
  int32_t prompt_tokens = 0;
  int32_t cached_tokens = 0;  // of the prompt, found in the prefix tree or forked
};

// Why there is no sample. The engine goes on with the others, unless what it computes on is lost:
// then all end, and all that come later.
struct SampleFailure {
  enum class Kind { Refused, Broken, Cancelled, Lost };
  Kind kind = Kind::Refused;
  std::string message = {};
};

using SampleOutcome = std::variant<Sample, SampleFailure>;

struct SchedulerOptions {
  int32_t running_max = 64;     // samples that hold pages; never more than rows_max
  int32_t waiting_max = 65536;  // beyond it, submissions are refused
  int32_t rows_max = 512;       // of one step: decoding rows first, then prompt tokens
  int64_t cache_bytes = 1 << 30;
  int32_t stops_max = 16;
  std::size_t stop_bytes_max = 256;
};

struct SchedulerFigures {
  int64_t steps = 0;
  int64_t prompt_rows = 0;    // prompt tokens computed, again after a preemption included
  int64_t decode_rows = 0;    // tokens computed that the model had made
  int64_t cached_tokens = 0;  // prompt tokens not computed
  int64_t preemptions = 0;    // running samples put back for want of pages
  int32_t running = 0;
  int32_t waiting = 0;
  int32_t pages = 0;
  int32_t pages_free = 0;
  int32_t pages_known = 0;  // in the prefix tree, held by samples or not
};

// Which rows go into which step. Continuous batching: each step takes one row of every decoding
// sample and fills up with prompt tokens. Samples of one prompt wait for the first of them to
// compute it, then fork. Of the lanes, the one with fewest running samples goes next; prompt rows
// are shared between lanes. When pages run out, unused prefixes go first, then the youngest sample
// is put back and computed again later, to the same bits. Not thread-safe; Engine gives it a
// thread.
class Scheduler {
 public:
  // `stepper` and `tokenizer` outlive it. Throws model::Refused if cache_bytes has no room for one
  // context's pages, std::invalid_argument if a limit is not positive.
  Scheduler(Stepper& stepper, const model::Tokenizer& tokenizer, const SchedulerOptions& options);
  // Cancels what is left.
  ~Scheduler();

  using Id = uint64_t;
  // Neither may throw; both may submit and cancel, but not step.
  using Done = std::function<void(SampleOutcome outcome)>;
  using Progress = std::function<void(int32_t token)>;  // each token as it is made; may be empty

  // `done` is called once, from within step(), cancel() or the destructor, or at once if the
  // request is refused: an empty prompt, a token that the model does not have, prompt plus one
  // token longer than the context, parameters or stops out of their limits, too many waiting. Ids
  // count from 1 in the order of submission.
  Id submit(SampleRequest request, Done done, Progress progress);
  void cancel(Id id);  // an unknown id is ignored

  // Computes one step; false: there is nothing to do. If the stepper fails, other than by
  // model::Broken, every sample ends as Lost, and so does every later one.
  bool step();

  // Drops every prefix that no sample holds: what was computed with other weights must not be
  // found.
  void forget_prefixes();

  SchedulerFigures figures() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
