#include "storage/sqlite.h"

#include <sqlite3.h>

#include <cassert>
#include <memory>
#include <new>

#include "storage/files.h"

namespace storage {

namespace {

constexpr int kRowBytesMax = 64 << 20;  // of one text or row, ours or a hostile file's
constexpr int kSqlBytesMax = 1 << 20;
constexpr int kColumnsMax = 100;
constexpr int kAttachedMax = 1;  // VACUUM INTO attaches its target
constexpr int kBusyTimeoutMs = 10'000;
constexpr std::size_t kSqlShownMax = 300;  // bytes of SQL in a message

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
using Handle = std::unique_ptr<sqlite3, Close>;

const char* remedy(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return "; the disk is full, a limit on file sizes is reached or the device fails: free some "
             "space or use another place, then run the same command again";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; it is not an SQLite database or is damaged: restore a backup or name another file";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another program is writing to it: let it end, then run the same command again";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "; check the permissions of the file and of its folder";
    default:
      return "";
  }
}

SqlError error_of(int code, const std::string& file, std::string_view message,
                  std::string_view sql) {
  std::string what = "the database " + file + " failed: " + std::string(message) + " (SQLite " +
                     std::to_string(code) + ")" + remedy(code);
  if (!sql.empty()) {
    what += "; SQL: " + std::string(sql.substr(0, kSqlShownMax));
    if (sql.size() > kSqlShownMax) what += " ...";
  }
  return {code, what};
}

SqlError last_error(sqlite3* handle, std::string_view sql) {
  const char* name = sqlite3_db_filename(handle, "main");
  return error_of(sqlite3_extended_errcode(handle), name && *name ? name : "in memory",
                  sqlite3_errmsg(handle), sql);
}

void execute_on(sqlite3* handle, const std::string& sql) {
  if (sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw last_error(handle, sql);
}

// What every connection needs before it looks at the first byte of a file that a stranger may
// have made: no triggers, no functions with effects out of views, bounded rows and statements.
void restrain(sqlite3* handle) {
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kRowBytesMax);
  sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, kSqlBytesMax);
  sqlite3_limit(handle, SQLITE_LIMIT_COLUMN, kColumnsMax);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, kAttachedMax);
  sqlite3_limit(handle, SQLITE_LIMIT_WORKER_THREADS, 0);
  const std::pair<int, int> settings[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                          {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                          {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                          {SQLITE_DBCONFIG_DQS_DML, 0},
                                          {SQLITE_DBCONFIG_DQS_DDL, 0}};
  for (const auto& [setting, value] : settings)
    if (sqlite3_db_config(handle, setting, value, nullptr) != SQLITE_OK)
      throw last_error(handle, "sqlite3_db_config");
  // Reading through mmap would turn a failing disk into SIGBUS.
  execute_on(handle,
             "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;");
}

Handle open(const std::string& name, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(
      name.c_str(), &raw,
      flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, nullptr);
  Handle handle(raw);
  if (code != SQLITE_OK)
    throw error_of(code, name, raw ? sqlite3_errmsg(raw) : sqlite3_errstr(code), "");
  restrain(raw);
  return handle;
}

void refuse_other(const std::filesystem::path& file, FileKind kind) {
  if (kind == FileKind::Other)
    throw std::runtime_error(file.string() +
                             " is not a regular file (a link, a folder or a device): name the "
                             "file itself");
}

std::string journal_mode(sqlite3* handle) {
  std::string mode;
  const auto read = [](void* out, int, char** values, char**) {
    *static_cast<std::string*>(out) = values[0] ? values[0] : "";
    return 0;
  };
  const char* sql = "PRAGMA journal_mode = WAL";
  if (sqlite3_exec(handle, sql, read, &mode, nullptr) != SQLITE_OK) throw last_error(handle, sql);
  return mode;
}

Handle open_to_write(const std::filesystem::path& file) {
  const FileKind kind = kind_of(file);
  refuse_other(file, kind);
  if (kind == FileKind::Missing) create_private(file);

  Handle handle = open(file.string(), SQLITE_OPEN_READWRITE);
  if (sqlite3_db_readonly(handle.get(), "main") == 1)
    throw std::runtime_error(file.string() +
                             " may only be read: check the permissions of the file and its folder");
  if (const std::string mode = journal_mode(handle.get()); mode != "wal")
    throw std::runtime_error(file.string() + " cannot use a write-ahead log (journal mode '" +
                             mode + "'): a ledger needs a local file system");
  execute_on(handle.get(),
             "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
             "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384;");
  return handle;
}

std::string immutable_name(const std::filesystem::path& file) {
  std::string name = "file://";
  for (const char c : file.string()) {
    constexpr char digits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#') {
      name += {'%', digits[byte >> 4], digits[byte & 15]};
    } else {
      name += c;
    }
  }
  return name + "?immutable=1";
}

Handle open_and_touch(const std::string& name, int flags) {
  Handle handle = open(name, flags);
  if (sqlite3_db_config(handle.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr) != SQLITE_OK)
    throw last_error(handle.get(), "sqlite3_db_config");
  // The first read is where a missing -shm file or a folder that cannot be written shows.
  execute_on(handle.get(), "PRAGMA query_only = ON; SELECT count(*) FROM sqlite_schema;");
  return handle;
}

Handle open_to_read(const std::filesystem::path& file) {
  const FileKind kind = kind_of(file);
  refuse_other(file, kind);
  if (kind == FileKind::Missing) throw std::runtime_error("there is no file " + file.string());

  try {
    return open_and_touch(file.string(), SQLITE_OPEN_READONLY);
  } catch (const SqlError& error) {
    const int code = error.code() & 0xff;
    if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY) throw;
    // A WAL database in a folder that cannot be written has nowhere to put its index. Without a
    // log nobody is writing, and the file alone is the whole truth.
    const std::filesystem::path log = file.string() + "-wal";
    if (kind_of(log) != FileKind::Missing)
      throw std::runtime_error(std::string(error.what()) + "; its log " + log.string() +
                               " cannot be read in place: copy both into a folder that can be "
                               "written and open the copy");
  }
  return open_and_touch(immutable_name(file), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

}  // namespace

bool SqlError::environment_failed() const {
  switch (code_ & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
      return true;
    default:
      return false;
  }
}

std::string sqlite_version() { return sqlite3_libversion(); }

Database::Database(const std::filesystem::path& file, Access access) {
  const std::filesystem::path place = resolved(file);
  handle_ = (access == Access::Write ? open_to_write(place) : open_to_read(place)).release();
}

Database::Database()
    : handle_(open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE).release()) {
  try {
    execute("PRAGMA foreign_keys = ON");
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(handle_); }

void Database::execute(const std::string& sql) { execute_on(handle_, sql); }

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

int64_t Database::changes() const { return sqlite3_changes64(handle_); }

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  const char* tail = nullptr;
  if (sqlite3_prepare_v3(database_.handle(), sql.data(), int(sql.size()), SQLITE_PREPARE_PERSISTENT,
                         &handle_, &tail) != SQLITE_OK)
    throw last_error(database_.handle(), sql);
  const std::string_view rest(tail, std::size_t(sql.data() + sql.size() - tail));
  if (handle_ && rest.find_first_not_of(" \n\t;") == std::string_view::npos) return;
  sqlite3_finalize(handle_);
  throw std::logic_error("not one SQL statement: " + std::string(sql));
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::bind(int place, int64_t value) {
  if (sqlite3_bind_int64(handle_, place, value) != SQLITE_OK)
    throw last_error(database_.handle(), sqlite3_sql(handle_));
  return *this;
}

Statement& Statement::bind(int place, double value) {
  if (sqlite3_bind_double(handle_, place, value) != SQLITE_OK)
    throw last_error(database_.handle(), sqlite3_sql(handle_));
  return *this;
}

// A null pointer would bind NULL, and an empty view may hold one.
Statement& Statement::bind(int place, std::string_view text) {
  if (sqlite3_bind_text64(handle_, place, text.data() ? text.data() : "", text.size(),
                          SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK)
    throw last_error(database_.handle(), sqlite3_sql(handle_));
  return *this;
}

Statement& Statement::bind_blob(int place, std::string_view bytes) {
  if (sqlite3_bind_blob64(handle_, place, bytes.data() ? bytes.data() : "", bytes.size(),
                          SQLITE_TRANSIENT) != SQLITE_OK)
    throw last_error(database_.handle(), sqlite3_sql(handle_));
  return *this;
}

Statement& Statement::bind_null(int place) {
  if (sqlite3_bind_null(handle_, place) != SQLITE_OK)
    throw last_error(database_.handle(), sqlite3_sql(handle_));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const SqlError error = last_error(database_.handle(), sqlite3_sql(handle_));
    reset();
    throw error;
  }
  reset();
  return false;
}

void Statement::run() {
  if (!step()) return;
  reset();
  throw std::logic_error(std::string("a row came back from: ") + sqlite3_sql(handle_));
}

// The result code repeats the error of the last step, which has been thrown already.
void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }

std::string Statement::text(int column) const {
  const int type = sqlite3_column_type(handle_, column);
  if (type == SQLITE_NULL) return {};
  const void* bytes = type == SQLITE_BLOB
                          ? sqlite3_column_blob(handle_, column)
                          : static_cast<const void*>(sqlite3_column_text(handle_, column));
  const int size = sqlite3_column_bytes(handle_, column);
  if (!bytes && (size > 0 || type != SQLITE_BLOB)) throw std::bad_alloc();
  return bytes ? std::string(static_cast<const char*>(bytes), std::size_t(size)) : std::string();
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

// SQLite has rolled back already after some failures: a full disk, for one.
Transaction::~Transaction() {
  if (open_ && !sqlite3_get_autocommit(database_.handle()))
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace storage
