#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace crash {

// What a scripted endpoint says that it was asked and that it answered (endpoint_journal.h).
struct JournalReading {
  struct Call {
    int64_t received = 0;           // how often it was sent by anybody
    std::set<std::string> answers;  // SHA-256 of each text that was answered in full
  };
  std::map<std::string, Call> calls;  // by call key
  int64_t received = 0;
  int64_t faults = 0;
};

// REQUIRES: the endpoint has ended. Throws std::runtime_error for a line that cannot be read.
JournalReading read_journal(const std::filesystem::path& file);

}  // namespace crash
