#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace crash {

// What a ledger holds at one moment, read with SQL of its own, so that a fault of the reader's
// code is not hidden by itself.
struct LedgerLook {
  // What was committed must stay as it is: "call KEY" of an answered or failed call, "proof KEY"
  // and "run ID", each with the digest of its content.
  std::map<std::string, std::string> kept;
  std::map<std::string, std::string> answers;  // key of an answered call -> SHA-256 of its text
  std::set<std::string> open;                  // keys intended or cancelled: may be sent again
  int64_t intended = 0;                        // those of them that were in flight
  std::multiset<std::string> annotations;      // content and body
  int64_t calls = 0;                           // answered or failed
  int64_t doubled = 0;                         // completed rows beyond the first for a key
};

// A file that is not there, or holds no tables yet, is an empty look.
LedgerLook look_at(const std::filesystem::path& ledger);

// The same after a process was killed: of a copy, so that looking repairs nothing and the next
// process finds the files exactly as the dead one left them.
LedgerLook look_at_copy(const std::filesystem::path& ledger, const std::filesystem::path& scratch);

// Entries of `before` that are gone or different in `after`.
std::vector<std::string> missing(const LedgerLook& before, const LedgerLook& after);

// The longest attempt of any call.
int64_t longest_attempt_ms(const std::filesystem::path& ledger);

}  // namespace crash
