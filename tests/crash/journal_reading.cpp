#include "tests/crash/journal_reading.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace crash {

JournalReading read_journal(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  JournalReading reading;
  for (std::string line; std::getline(in, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object()) throw std::runtime_error("not a line of a journal: " + line);
    const std::string id = entry.at("id"), event = entry.at("event");
    JournalReading::Call& call = reading.calls[id.substr(0, id.rfind('#'))];
    if (event == "received") {
      ++call.received;
      ++reading.received;
    } else if (event == "sent") {
      call.answers.insert(entry.at("answer").get<std::string>());
    } else if (event == "fault") {
      ++reading.faults;
    }
  }
  return reading;
}

}  // namespace crash
