#include "storage/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace storage {

namespace {

// Closes on every way out; a close that fails after a sync has nothing left to lose.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

std::filesystem::path resolved(const std::filesystem::path& file) {
  if (file.filename().empty())
    throw std::runtime_error("'" + file.string() + "' names a folder, not a file");
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(folder, error);
  if (error)
    throw std::runtime_error("cannot use the folder " + folder.string() + ": " + error.message());
  return real / file.filename();
}

FileKind kind_of(const std::filesystem::path& file) {
  struct stat status = {};
  if (::lstat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return FileKind::Missing;
    fail_with_errno("look at", file);
  }
  return S_ISREG(status.st_mode) ? FileKind::Regular : FileKind::Other;
}

void create_private(const std::filesystem::path& file) {
  const Descriptor opened{
      ::open(file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (opened.number < 0) fail_with_errno("create", file);
}

void sync_to_disk(const std::filesystem::path& file_or_folder) {
  const Descriptor opened{::open(file_or_folder.c_str(), O_RDONLY | O_CLOEXEC)};
  if (opened.number < 0) fail_with_errno("open", file_or_folder);
  if (::fsync(opened.number) != 0) fail_with_errno("sync", file_or_folder);
}

void fail_with_errno(std::string_view action, const std::filesystem::path& file) {
  throw std::runtime_error("cannot " + std::string(action) + " " + file.string() + ": " +
                           std::generic_category().message(errno));
}

}  // namespace storage
