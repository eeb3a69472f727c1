#include "tests/crash/chaos.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/crash/crash_findings.h"
#include "tests/crash/crash_inputs.h"

namespace crash {
namespace {

constexpr int64_t kCallTimeoutMs = 2'500;
constexpr int64_t kTokenTimeoutMs = 2'000;
constexpr int64_t kDeadlineSlackMs = 1'000;
constexpr int64_t kCallsOfASubmission = 11;  // about, under the default effort

// 30 % of the calls in all. What hangs until a deadline is rare, so that the test is not; each
// rate is that of the calls that the rules before have let pass.
constexpr const char* kFaults =
    "attempt=1 rate=0.01 -> hang\n"
    "attempt=1 rate=0.01 -> hang-after-head\n"
    "attempt=1 rate=0.01 -> silence tokens=3\n"
    "attempt=1 rate=0.02 -> drip ms=1\n"
    "attempt=1 rate=0.26 -> mixed\n";

Setup with_faults(Setup setup) {
  const std::string token_timeout = fmt::format("{}ms", kTokenTimeoutMs);
  setup.flags.insert(setup.flags.end(),
                     {"--first-token-timeout", token_timeout, "--token-timeout", token_timeout,
                      "--call-timeout", fmt::format("{}ms", kCallTimeoutMs)});
  const auto script = setup.folder / "faults.txt";
  std::ofstream(script) << kFaults;
  setup.endpoint_flags.insert(setup.endpoint_flags.end(), {"--fault-script", script.string()});
  return setup;
}

}  // namespace

ChaosFigures try_chaos(const Setup& setup, int64_t calls) {
  const auto input = setup.folder / "grade.jsonl";
  write_submissions(input, std::max<int64_t>(calls / kCallsOfASubmission, 1), setup.seed);
  const Round clean = play(setup, Kind::Grade, input, {});
  const Round faulty = play(with_faults(setup), Kind::Grade, input, {});

  ChaosFigures figures;
  figures.calls = clean.journal.received;
  figures.faults = faulty.journal.faults;
  figures.sends = faulty.journal.received;
  figures.longest_attempt_ms = faulty.longest_attempt_ms;
  figures.call_timeout_ms = kCallTimeoutMs;
  figures.seconds = faulty.milliseconds / 1000;
  figures.words = differences(clean.verdicts, faulty.verdicts);
  figures.different_verdicts = int64_t(figures.words.size());
  if (clean.exit_code != 0 || faulty.exit_code != clean.exit_code)
    figures.words.push_back(fmt::format("ended with {} and {}: {} {}", clean.exit_code,
                                        faulty.exit_code, clean.errors, faulty.errors));
  for (const std::string& finding : faulty.integrity) figures.words.push_back(finding);
  if (figures.faults == 0) figures.words.push_back("the endpoint made no fault");
  if (figures.sends > figures.calls + figures.faults)
    figures.words.push_back(fmt::format("{} sends for {} calls, of which {} failed", figures.sends,
                                        figures.calls, figures.faults));
  if (figures.longest_attempt_ms < kCallTimeoutMs)
    figures.words.push_back("no attempt met the deadline of a call: it was not tried");
  if (figures.longest_attempt_ms > kCallTimeoutMs + kDeadlineSlackMs)
    figures.words.push_back(fmt::format("an attempt took {} ms", figures.longest_attempt_ms));
  return figures;
}

nlohmann::ordered_json to_json(const ChaosFigures& figures) {
  return {{"calls", figures.calls},
          {"faults", figures.faults},
          {"sends", figures.sends},
          {"sends_per_call", std::round(figures.sends_per_call() * 1000) / 1000},
          {"different_verdicts", figures.different_verdicts},
          {"longest_attempt_ms", figures.longest_attempt_ms},
          {"call_timeout_ms", figures.call_timeout_ms},
          {"seconds", std::round(figures.seconds * 10) / 10}};
}

}  // namespace crash
