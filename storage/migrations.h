#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "storage/sqlite.h"

namespace storage {

// "ELNC": stands in the header of every ledger (PRAGMA application_id), so that the database of
// another program is never written to.
inline constexpr int64_t kApplicationId = 0x454c4e43;

// Entry n takes the schema from `user_version` n to n + 1. An entry that was released is never
// edited: a change of the schema is a new entry.
std::span<const char* const> migrations();

// The version in the file: 0 for an empty one. Throws std::runtime_error for a database of
// another program, LedgerTooNew for one with more than `versions` migrations.
int64_t ledger_version(Database& database, const std::filesystem::path& file, int64_t versions);

// Applies what is missing of `all`, each entry in a transaction of its own.
void migrate(Database& database, const std::filesystem::path& file,
             std::span<const char* const> all);

// Throws std::runtime_error unless every table, index and view of the newest schema is there
// exactly as written, and no trigger: a file from a stranger may hold anything. Tables, indexes
// and views that people added are left alone.
void check_schema(Database& database, const std::filesystem::path& file);

}  // namespace storage
