#pragma once

#include <memory>

#include "engine/scheduler.h"

namespace engine {

// A scheduler on a thread of its own. All functions may be called from any thread; callbacks come
// on the engine's thread and must not block.
class Engine {
 public:
  Engine(std::unique_ptr<model::Network> network, const model::Tokenizer& tokenizer,
         const SchedulerOptions& options);
  // Cancels what is under way: every `done` has been called when it returns.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  using Id = Scheduler::Id;
  Id submit(SampleRequest request, Scheduler::Done done, Scheduler::Progress progress);
  void cancel(Id id);

  SchedulerFigures figures() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
