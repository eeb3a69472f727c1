#include <unistd.h>

#include <optional>
#include <string>

#include "storage/files.h"
#include "storage/ledger.h"
#include "storage/lock.h"
#include "storage/migrations.h"
#include "storage/sqlite.h"

namespace storage {

namespace {

// Removes a copy that was not finished.
struct Unfinished {
  std::filesystem::path file;
  ~Unfinished() {
    std::error_code ignored;
    if (!file.empty()) std::filesystem::remove(file, ignored);
  }
};

// SQLite would play the log of the old file into the new one.
void require_no_log(const std::filesystem::path& to) {
  if (kind_of(to.string() + "-wal") != FileKind::Missing)
    throw std::runtime_error(to.string() +
                             " has a write-ahead log, so it is in use or was left by a crash: "
                             "name another file for the copy");
}

}  // namespace

void back_up(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::filesystem::path source = resolved(from);
  const std::filesystem::path target = resolved(to);
  if (source == target) throw std::runtime_error("a ledger cannot be backed up onto itself");
  Database database(source, Database::Access::Read);
  if (ledger_version(database, source, int64_t(migrations().size())) == 0)
    throw std::runtime_error(source.string() + " is empty: there is nothing to back up");

  std::optional<FileLock> lock;  // an existing ledger may have a writer
  if (kind_of(target) != FileKind::Missing) lock.emplace(target);
  require_no_log(target);
  Unfinished copy{target.string() + ".part-" + std::to_string(::getpid())};
  create_private(copy.file);
  // VACUUM INTO writes to the copy alone, but query_only forbids that as well.
  database.execute("PRAGMA query_only = OFF");
  Statement vacuum(database, "VACUUM INTO ?");
  vacuum.bind(1, std::string_view(copy.file.native())).run();
  sync_to_disk(copy.file);
  std::filesystem::rename(copy.file, target);
  copy.file.clear();
  sync_to_disk(target.parent_path());
}

}  // namespace storage
