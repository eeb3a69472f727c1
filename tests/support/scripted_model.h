#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "pipeline/chat.h"
#include "tests/support/scripted_answers.h"

namespace support {

// A model in this process that answers like the scripted endpoint, without a network. It may be
// called from many coroutines of one thread; the counts may be read from any.
class ScriptedModel : public pipeline::ChatModel {
 public:
  using Outcome = std::variant<pipeline::ChatReply, pipeline::ChatFailure>;

  struct Options {
    ScriptedRates rates;
    std::string name = "scripted";
    // Before it answers, a call lets others go first up to so many times, drawn by its key and
    // `order_seed`: another order of completion without any sleep.
    int64_t yields_max = 0;
    uint64_t order_seed = 0;
    // Looks at each call before it is answered; an outcome replaces the answer. `nth` counts the
    // calls of all roles from 1. May throw.
    std::function<std::optional<Outcome>(const pipeline::ChatRequest& request, int64_t nth)> hook;
  };

  ScriptedModel() = default;
  explicit ScriptedModel(Options options) : options_(std::move(options)) {}

  pipeline::net::awaitable<Outcome> complete(pipeline::ChatRequest request) override;
  std::string identity(pipeline::Role role) const override;

  int64_t calls() const;
  int64_t calls(pipeline::Role role) const { return calls_[std::size_t(role)]; }
  int64_t in_flight_max() const { return in_flight_max_; }

 private:
  Options options_;
  std::array<std::atomic<int64_t>, pipeline::kRoles> calls_{};
  std::atomic<int64_t> in_flight_ = 0;
  std::atomic<int64_t> in_flight_max_ = 0;
};

// A failure for hooks.
pipeline::ChatFailure scripted_failure(pipeline::ChatFailure::Kind kind, std::string message);

}  // namespace support
