#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace storage {

std::string sqlite_version();  // "3.40.1"

// The few parts of SQLite that we use. Each object is used by one thread at a time.
// Every failure throws SqlError, whose message holds the file, SQLite's message and the SQL.

class SqlError : public std::runtime_error {
 public:
  SqlError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
  int code() const { return code_; }  // SQLite's extended result code

  // The file or its disk failed, not this one statement: nothing more should be written.
  bool environment_failed() const;

 private:
  int code_;
};

class Database {
 public:
  enum class Access { Write, Read };

  // Write: creates the file (mode 0600) if there is none; WAL, synchronous FULL, foreign keys,
  // no automatic checkpoint (the writer thread does it). Read: query_only, and no checkpoint when
  // it is closed. Both: defensive mode, untrusted schema, limits on what a hostile file can ask.
  Database(const std::filesystem::path& file, Access access);
  Database();  // a private one in memory
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql);  // one or several statements without results
  int64_t last_insert_id() const;
  int64_t changes() const;
  sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

// A prepared statement. Bind with the index of the place, from 1; read with that of the column,
// from 0. What is bound is copied; the copy is let go as soon as the statement is done.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int place, int64_t value);
  Statement& bind(int place, double value);
  Statement& bind(int place, std::string_view text);
  Statement& bind_blob(int place, std::string_view bytes);
  Statement& bind_null(int place);
  template <class T>
  Statement& bind(int place, const std::optional<T>& value) {
    return value ? bind(place, *value) : bind_null(place);
  }

  bool step();   // true: a row is there; false: done, and the statement is reset
  void run();    // REQUIRES: the statement returns no row
  void reset();  // forgets the row and the bindings

  bool is_null(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  // of TEXT and BLOB alike, NUL bytes kept
  std::optional<std::string> optional_text(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

// BEGIN IMMEDIATE: a read transaction that turned into a write could fail at once. Rolls back on
// destruction unless commit() was called.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace storage
