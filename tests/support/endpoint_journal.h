#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace support {

// The endpoint's own record, to be held against a client's: JSON Lines, each appended with one
// write, so that it survives the death of this process at any moment.
//
//   {"t":1700000000123,"event":"received","id":"KEY#1","call":"SHA-256 of seed LF prompt","nth":1}
//   {"t":...,"event":"fault","id":"KEY#1","call":"...","kind":"cut at=120 how=rst"}
//   {"t":...,"event":"sent","id":"KEY#1","call":"...","answer":"SHA-256 of the
//   contents","tokens":7}
//   {"t":...,"event":"cut","id":"KEY#1","call":"..."}
//
// `sent` is written before the last byte goes out: whatever a client has whole is in the journal.
// A `cut` behind it says that the client was gone by then.
class EndpointJournal {
 public:
  enum class Sync { Written, Synced };  // Synced: fdatasync after each line

  // An empty name: nothing is kept. Throws std::system_error if the file cannot be opened.
  EndpointJournal(const std::filesystem::path& file, Sync sync);
  ~EndpointJournal();
  EndpointJournal(const EndpointJournal&) = delete;
  EndpointJournal& operator=(const EndpointJournal&) = delete;

  bool is_kept() const { return file_ >= 0; }

  // `more` is JSON members with a comma before each. Throws std::system_error.
  void write(std::string_view event, std::string_view request_id, std::string_view call_sha256,
             std::string_view more = "");

 private:
  int file_ = -1;
  Sync sync_;
  std::string line_;
};

}  // namespace support
