#include "training/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "storage/files.h"

namespace training {

namespace {

constexpr std::size_t kWriteBytesMax = 1 << 30;  // Linux writes no more than 2 GiB at once

// A file that vanishes unless it was renamed.
class Temporary {
 public:
  explicit Temporary(std::filesystem::path name) : name_(std::move(name)) {
    number_ = ::open(name_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (number_ < 0) storage::fail_with_errno("create", name_);
  }
  ~Temporary() {
    if (number_ >= 0) ::close(number_);
    if (there_) ::unlink(name_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t done = ::write(number_, bytes.data(), std::min(bytes.size(), kWriteBytesMax));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) storage::fail_with_errno("write", name_);
      bytes.remove_prefix(std::size_t(done));
    }
  }

  void rename_to(const std::filesystem::path& file) {
    if (::fsync(number_) != 0) storage::fail_with_errno("sync", name_);
    const int closed = ::close(number_);
    number_ = -1;
    if (closed != 0) storage::fail_with_errno("close", name_);
    if (::rename(name_.c_str(), file.c_str()) != 0) storage::fail_with_errno("rename to", file);
    there_ = false;
  }

 private:
  std::filesystem::path name_;
  int number_ = -1;
  bool there_ = true;
};

}  // namespace

void write_atomically(const std::filesystem::path& file, std::span<const std::string_view> parts) {
  Temporary temporary(file.string() + std::string(kTemporaryEnding));
  for (const std::string_view part : parts) temporary.write(part);
  temporary.rename_to(file);
  storage::sync_to_disk(file.has_parent_path() ? file.parent_path() : ".");
}

}  // namespace training
