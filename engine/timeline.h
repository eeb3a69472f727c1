#pragma once

#include <vector>

#include "engine/pages.h"
#include "engine/scheduler.h"
#include "engine/stop_finder.h"

namespace engine {

// A submitted sample on its way to being done.
struct Timeline {
  Scheduler::Id id = 0;
  SampleRequest request = {};
  Scheduler::Done done = {};
  Scheduler::Progress progress = {};
  uint64_t prompt_key = 0;
  StopFinder stops;
  Sample sample = {};  // so far

  // Only while it runs:
  Tokens tokens = {};  // the prompt and what was made
  int32_t computed = 0;
  bool filling = false;  // computing what was there when it began to run
  bool leads = false;    // others wait for its prompt
  std::vector<PagePool::Page> pages = {};
  std::vector<unsigned char*> addresses = {};  // of pages

  int32_t prompt_size() const { return int32_t(request.prompt->size()); }
  int32_t to_compute() const { return int32_t(tokens.size()) - computed; }
};

}  // namespace engine
