#pragma once

#include <filesystem>

namespace storage {

// Holds FILE.lock beside a database as long as it lives, so that a second writer is refused:
// another process, or another thread of this one. The kernel lets the lock go when its holder
// dies, however it dies, so a lock file that was left behind never blocks.
class FileLock {
 public:
  // Throws LedgerBusy, naming the holder's pid, or std::runtime_error.
  explicit FileLock(const std::filesystem::path& database);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace storage
