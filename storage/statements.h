#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>

#include "storage/sqlite.h"

namespace storage {

// Prepares each SQL text once and keeps it for the life of the connection. The texts are literals
// of our own, so there are only as many as the code has.
class Statements {
 public:
  // Resets the statement when its user is done with it, also by an exception: a statement left on
  // a row would hold its snapshot and keep the log from being reused.
  struct Reset {
    void operator()(Statement* statement) const { statement->reset(); }
  };
  using Borrowed = std::unique_ptr<Statement, Reset>;

  explicit Statements(Database& database) : database_(database) {}

  // REQUIRES: `sql` is a literal, and is not borrowed already.
  Borrowed borrow(std::string_view sql) {
    auto& statement = prepared_[sql];
    if (!statement) statement = std::make_unique<Statement>(database_, sql);
    return Borrowed(statement.get());
  }

  Database& database() { return database_; }

 private:
  Database& database_;
  std::unordered_map<std::string_view, std::unique_ptr<Statement>> prepared_;
};

}  // namespace storage
