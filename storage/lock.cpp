#include "storage/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "storage/files.h"
#include "storage/ledger.h"

namespace storage {

namespace {

constexpr std::size_t kPidDigitsMax = 20;

// What the holder wrote; it may still be about to write.
std::string holder(int descriptor) {
  char bytes[kPidDigitsMax] = {};
  const ssize_t size = ::pread(descriptor, bytes, sizeof bytes, 0);
  std::string pid(bytes, size > 0 ? std::size_t(size) : 0);
  pid.erase(std::find_if(pid.begin(), pid.end(), [](char c) { return c < '0' || c > '9'; }),
            pid.end());
  return pid.empty() ? "another process" : "process " + pid;
}

[[noreturn]] void refuse(int descriptor, const std::filesystem::path& database) {
  throw LedgerBusy(holder(descriptor) + " is writing the ledger " + database.string() +
                   ": wait until it ends, stop it, or name another ledger");
}

// A pid is for people only: a disk too full to hold it must not keep a run from its ledger.
void write_pid(int descriptor) {
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor, 0) != 0) return;
  if (::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) return;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& database) {
  const std::filesystem::path place = resolved(database);
  const std::filesystem::path lock = place.string() + ".lock";
  // flock, not fcntl: it belongs to this opening of the file, so it also keeps out another thread
  // of this process, and no other close of the same file lets it go.
  descriptor_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor_ < 0) fail_with_errno("open the lock file", lock);
  int result = 0;
  do result = ::flock(descriptor_, LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result == 0) {
    write_pid(descriptor_);
    return;
  }

  const int error = errno;
  try {
    if (error == EWOULDBLOCK) refuse(descriptor_, place);
    errno = error;
    fail_with_errno("lock (a ledger needs a local file system)", lock);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

// The file stays: removing it would let two processes lock two files of one name.
FileLock::~FileLock() { ::close(descriptor_); }

}  // namespace storage
