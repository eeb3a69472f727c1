#include "tests/support/endpoint_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "tests/support/chat_wire.h"

namespace support {

EndpointJournal::EndpointJournal(const std::filesystem::path& file, Sync sync) : sync_(sync) {
  if (file.empty()) return;
  file_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0)
    throw std::system_error(errno, std::generic_category(), "cannot open " + file.string());
}

EndpointJournal::~EndpointJournal() {
  if (file_ >= 0) ::close(file_);
}

void EndpointJournal::write(std::string_view event, std::string_view request_id,
                            std::string_view call_sha256, std::string_view more) {
  if (file_ < 0) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  line_ = "{\"t\":";
  line_ += std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  line_.append(",\"event\":\"").append(event).append("\",\"id\":");
  append_json_string(line_, request_id);
  line_.append(",\"call\":\"").append(call_sha256).append("\"").append(more).append("}\n");
  if (::write(file_, line_.data(), line_.size()) != ssize_t(line_.size()))
    throw std::system_error(errno, std::generic_category(), "cannot write the journal");
  if (sync_ == Sync::Synced && ::fdatasync(file_) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot sync the journal");
}

}  // namespace support
