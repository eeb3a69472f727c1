#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/journal_reading.h"
#include "tests/crash/ledger_look.h"

namespace crash {

// One run of the program against an endpoint of its own, from a fresh ledger to its end, with any
// number of deaths in between.

enum class Kind { Solve, Grade };
const char* name_of(Kind kind);

struct Setup {
  std::filesystem::path elenchus;
  std::filesystem::path endpoint;
  std::filesystem::path folder;  // for inputs, ledgers and journals
  uint64_t seed = 1;
  std::vector<std::string> flags;           // more for elenchus
  std::vector<std::string> endpoint_flags;  // more for the endpoint
};

// What decides over an item, as the program printed it: id -> outcome, proof, tally and reason.
using Verdicts = std::map<std::string, std::string>;

struct Round {
  int64_t deaths = 0;
  int exit_code = 0;  // of the process that came to an end
  std::string errors;
  double milliseconds = 0;             // of that process
  std::vector<double> resume_ms;       // from each later start to the line that says "continued"
  Verdicts verdicts;                   // of the last process
  std::vector<Verdicts> announced;     // of those that died, as far as they came
  std::vector<LedgerLook> looks;       // after each death
  LedgerLook end;                      // after the end
  std::vector<std::string> integrity;  // LedgerReader::check() after the end
  JournalReading journal;
  int64_t longest_attempt_ms = 0;
};

// The waits, in milliseconds, after each of which the process is killed and started again; a
// process that ends sooner ends the round.
Round play(const Setup& setup, Kind kind, const std::filesystem::path& input,
           const std::vector<int64_t>& kill_after_ms);

// A process that has not ended after this long hangs; it is killed and the round has failed.
inline constexpr int64_t kHangMs = 120'000;
inline constexpr int kKilled = 137;

}  // namespace crash
