#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace crash {

// Of each hundred calls so many meet a fault at their first sending: counted, not drawn call by
// call, so that the share is never above it.
inline constexpr int64_t kFaultyPercent = 30;

constexpr int64_t faulty_of(int64_t calls) { return calls * kFaultyPercent / 100; }

// A script (tests/support/fault_script.h) with one rule for each call that shall fail. Which calls
// these are and how they fail follows from the keys and the seed alone: neither the order of
// sending nor anything else of a run changes it.
std::string chaos_script(const std::vector<std::string>& call_keys, uint64_t seed);

}  // namespace crash
