#include "tests/crash/chaos.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/crash/chaos_plan.h"
#include "tests/crash/crash_findings.h"
#include "tests/crash/crash_inputs.h"

namespace crash {
namespace {

constexpr int64_t kCallTimeoutMs = 2'500;
constexpr int64_t kTokenTimeoutMs = 2'000;
constexpr int64_t kDeadlineSlackMs = 1'000;
constexpr int64_t kCallsOfASubmission = 11;  // about, under the default effort

constexpr double kSendsPerCallMax = 1.3;
constexpr double kRounding = 1e-9;  // of a quotient of two counts

std::vector<std::string> keys_of(const JournalReading& journal) {
  std::vector<std::string> keys;
  for (const auto& [key, call] : journal.calls) keys.push_back(key);
  return keys;
}

Setup with_faults(Setup setup, const std::string& faults) {
  const std::string token_timeout = fmt::format("{}ms", kTokenTimeoutMs);
  setup.flags.insert(setup.flags.end(),
                     {"--first-token-timeout", token_timeout, "--token-timeout", token_timeout,
                      "--call-timeout", fmt::format("{}ms", kCallTimeoutMs)});
  const auto script = setup.folder / "faults.txt";
  std::ofstream(script) << faults;
  setup.endpoint_flags.insert(setup.endpoint_flags.end(), {"--fault-script", script.string()});
  return setup;
}

double rounded(double share) { return std::round(share * 1000) / 1000; }

}  // namespace

ChaosFigures try_chaos(const Setup& setup, int64_t calls) {
  const auto input = setup.folder / "grade.jsonl";
  write_submissions(input, std::max<int64_t>(calls / kCallsOfASubmission, 1), setup.seed);
  const Round clean = play(setup, Kind::Grade, input, {});
  const std::string faults = chaos_script(keys_of(clean.journal), setup.seed);
  const Round faulty = play(with_faults(setup, faults), Kind::Grade, input, {});

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
  for (std::string& words : limits_broken(figures)) figures.words.push_back(std::move(words));
  return figures;
}

std::vector<std::string> limits_broken(const ChaosFigures& figures) {
  std::vector<std::string> words;
  if (figures.calls == 0) words.push_back("no call was made");
  if (figures.faults != faulty_of(figures.calls))
    words.push_back(fmt::format("{} faults, not {} % of {} calls", figures.faults, kFaultyPercent,
                                figures.calls));
  if (figures.sends > figures.calls + figures.faults)
    words.push_back(fmt::format("{} sends for {} calls, of which {} failed", figures.sends,
                                figures.calls, figures.faults));
  if (figures.sends_per_call() > kSendsPerCallMax + kRounding)
    words.push_back(
        fmt::format("{:.4f} sends per call, above {}", figures.sends_per_call(), kSendsPerCallMax));
  if (figures.longest_attempt_ms < figures.call_timeout_ms)
    words.push_back("no attempt met the deadline of a call: it was not tried");
  if (figures.longest_attempt_ms > figures.call_timeout_ms + kDeadlineSlackMs)
    words.push_back(fmt::format("an attempt took {} ms", figures.longest_attempt_ms));
  return words;
}

nlohmann::ordered_json to_json(const ChaosFigures& figures) {
  return {{"calls", figures.calls},
          {"faults", figures.faults},
          {"fault_share", rounded(figures.fault_share())},
          {"sends", figures.sends},
          {"sends_per_call", rounded(figures.sends_per_call())},
          {"different_verdicts", figures.different_verdicts},
          {"longest_attempt_ms", figures.longest_attempt_ms},
          {"call_timeout_ms", figures.call_timeout_ms},
          {"seconds", std::round(figures.seconds * 10) / 10}};
}

}  // namespace crash
