#pragma once

#include <optional>
#include <string>

#include "engine/scheduler.h"

namespace engine {

// Why a request cannot be met whatever else happens, or nothing.
std::optional<std::string> refusal(const SampleRequest& request, const Stepper::Limits& limits,
                                   const SchedulerOptions& options);

// A number for a prompt's tokens; different prompts rarely share one.
uint64_t prompt_key(const Tokens& prompt);

}  // namespace engine
