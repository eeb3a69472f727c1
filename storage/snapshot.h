#pragma once

#include "storage/sqlite.h"

namespace storage {

// As long as it lives, all that the connection reads is of one moment of the ledger, whatever is
// written meanwhile. May stand inside another.
class Snapshot {
 public:
  explicit Snapshot(Database& database) : database_(database) {
    database_.execute("SAVEPOINT snapshot");
  }
  ~Snapshot() {
    try {
      database_.execute("RELEASE snapshot");
    } catch (const SqlError&) {
      // Ended already: SQLite gives up the transaction on some errors, which were thrown before.
    }
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Database& database_;
};

}  // namespace storage
