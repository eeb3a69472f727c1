#pragma once

#include <memory>

#include "engine/scheduler.h"

namespace engine {

// A scheduler on a thread of its own. All functions may be called from any thread; callbacks come
// on the engine's thread, must not block, and may call all of them.
class Engine {
 public:
  // `tokenizer` outlives it. Throws as Scheduler does.
  Engine(std::unique_ptr<Stepper> stepper, const model::Tokenizer& tokenizer,
         const SchedulerOptions& options);
  // Cancels what is under way: every `done` has been called when it returns.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  using Id = Scheduler::Id;
  static constexpr Id kRefused = 0;
  // If more than waiting_max submissions came during one step, `done` is called with a refusal on
  // the caller's thread before it returns kRefused.
  Id submit(SampleRequest request, Scheduler::Done done, Scheduler::Progress progress);
  void cancel(Id id);

  SchedulerFigures figures() const;  // as of the last step

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
