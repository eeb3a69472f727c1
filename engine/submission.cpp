#include "engine/submission.h"

namespace engine {

namespace {

std::optional<std::string> prompt_refusal(const Tokens* prompt, const Stepper::Limits& limits) {
  if (!prompt || prompt->empty()) return "the prompt is empty";
  if (int64_t(prompt->size()) + 1 > limits.context_max)
    return "the prompt has " + std::to_string(prompt->size()) +
           " tokens and leaves no room for an answer in a context of " +
           std::to_string(limits.context_max);
  for (std::size_t i = 0; i < prompt->size(); ++i)
    if ((*prompt)[i] < 0 || (*prompt)[i] >= limits.vocabulary)
      return "token " + std::to_string(i) + " of the prompt is " + std::to_string((*prompt)[i]) +
             ", but the model's vocabulary ends at " + std::to_string(limits.vocabulary);
  return std::nullopt;
}

std::optional<std::string> stops_refusal(const std::vector<std::string>& stops,
                                         const SchedulerOptions& options) {
  if (stops.size() > std::size_t(options.stops_max))
    return std::to_string(stops.size()) + " stop texts, at most " +
           std::to_string(options.stops_max) + " are looked for";
  for (std::size_t i = 0; i < stops.size(); ++i) {
    if (stops[i].empty()) return "stop text " + std::to_string(i) + " is empty";
    if (stops[i].size() > options.stop_bytes_max)
      return "stop text " + std::to_string(i) + " has " + std::to_string(stops[i].size()) +
             " bytes, at most " + std::to_string(options.stop_bytes_max) + " are looked for";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> refusal(const SampleRequest& request, const Stepper::Limits& limits,
                                   const SchedulerOptions& options) {
  if (auto reason = prompt_refusal(request.prompt.get(), limits)) return reason;
  if (request.tokens_max < 1) return "tokens_max must be at least 1";
  if (auto reason = wrong_with(request.sampling)) return reason;
  return stops_refusal(request.stops, options);
}

uint64_t prompt_key(const Tokens& prompt) {
  uint64_t key = prompt.size();
  for (const int32_t token : prompt) {
    key = (key ^ uint32_t(token)) * 0x9E3779B97F4A7C15u;  // Fibonacci hashing's odd multiplier
    key ^= key >> 29;
  }
  return key;
}

}  // namespace engine
