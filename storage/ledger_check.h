#pragma once

#include <string>
#include <vector>

#include "storage/ledger.h"
#include "storage/sqlite.h"

namespace storage {

// What is wrong with a ledger, each finding in a sentence: the file's structure, references to rows
// that are not there, texts that do not have their SHA-256, proofs and answers that do not say what
// they said when they were written. `database` is the connection of `reader`.
inline constexpr std::size_t kFindingsMax = 1'000;
std::vector<std::string> check_ledger(const LedgerReader& reader, Database& database);

}  // namespace storage
