#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tests/crash/crash_round.h"

namespace crash {

// Grades once against a good endpoint and once against one that fails the first sending of 30 %
// of the calls in mixed ways (chaos_plan.h). The verdicts must be the same, nothing but the faulty
// calls may be sent again, and no sending may outlive its deadline.
struct ChaosFigures {
  int64_t calls = 0;   // of the clean run
  int64_t faults = 0;  // that the endpoint made
  int64_t sends = 0;   // of the faulty run
  int64_t different_verdicts = 0;
  int64_t longest_attempt_ms = 0;
  int64_t call_timeout_ms = 0;
  double seconds = 0;              // of the faulty run
  std::vector<std::string> words;  // what is wrong; empty: nothing

  double sends_per_call() const { return calls == 0 ? 0 : double(sends) / double(calls); }
  double fault_share() const { return calls == 0 ? 0 : double(faults) / double(calls); }
};

ChaosFigures try_chaos(const Setup& setup, int64_t calls);

// What the counts and times say against the limits: sendings, and the deadline of each.
std::vector<std::string> limits_broken(const ChaosFigures& figures);

nlohmann::ordered_json to_json(const ChaosFigures& figures);

}  // namespace crash
