#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/crash_round.h"

namespace crash {

// What is wrong with a disturbed round, held against an undisturbed one of the same inputs.
struct Findings {
  int64_t lost = 0;                // committed at a death, and gone or changed later
  int64_t doubled = 0;             // completed twice, or sent more often than the deaths explain
  int64_t different_verdicts = 0;  // printed at the end, or before a death
  int64_t unsound = 0;     // ended badly, failed the integrity check, text that was never sent,
                           // human marks that are not those of the input
  int64_t sent_again = 0;  // requests beyond the first of each call
  int64_t in_flight_at_kills = 0;  // calls in the state `intended`, over all deaths
  std::vector<std::string> words;  // a sentence for each thing that is wrong

  bool sound() const { return lost + doubled + different_verdicts + unsound == 0; }
};

Findings examine(const Round& reference, const Round& round);

// Differences of two sets of verdicts, in words.
std::vector<std::string> differences(const Verdicts& expected, const Verdicts& got);

}  // namespace crash
