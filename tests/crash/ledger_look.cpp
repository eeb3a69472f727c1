#include "tests/crash/ledger_look.h"

#include "storage/sqlite.h"

namespace crash {
namespace {

using storage::Database;
using storage::Statement;

bool has_tables(Database& database) {
  Statement tables(database,
                   "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
                   " AND name IN ('run', 'call', 'proof', 'annotation')");
  return tables.step() && tables.integer(0) == 4;
}

void read_calls(Database& database, LedgerLook& look) {
  Statement each(database,
                 "SELECT call.key, call.state, coalesce(call.content_sha256, ''),"
                 " coalesce(text.sha256, '') FROM call LEFT JOIN text ON text.id = call.text_id");
  while (each.step()) {
    const std::string key = each.text(0), state = each.text(1);
    if (state == "intended" || state == "cancelled") {
      look.open.insert(key);
      look.intended += state == "intended" ? 1 : 0;
      continue;
    }
    ++look.calls;
    if (!look.kept.emplace("call " + key, each.text(2)).second) ++look.doubled;
    if (state == "answered") look.answers.emplace(key, each.text(3));
  }
}

void read_rest(Database& database, LedgerLook& look) {
  Statement proofs(database, "SELECT key, content_sha256 FROM proof");
  while (proofs.step()) look.kept.emplace("proof " + proofs.text(0), proofs.text(1));
  Statement runs(database, "SELECT id, hex(secret) || subject_sha256 FROM run");
  while (runs.step()) look.kept.emplace("run " + runs.text(0), runs.text(1));
  Statement notes(database,
                  "SELECT coalesce(content.key, ''), annotation.body FROM annotation"
                  " LEFT JOIN content ON content.id = annotation.content_id");
  while (notes.step()) look.annotations.insert(notes.text(0) + " " + notes.text(1));
}

}  // namespace

LedgerLook look_at(const std::filesystem::path& ledger) {
  LedgerLook look;
  if (!std::filesystem::exists(ledger)) return look;
  Database database(ledger, Database::Access::Read);
  if (!has_tables(database)) return look;
  read_calls(database, look);
  read_rest(database, look);
  return look;
}

LedgerLook look_at_copy(const std::filesystem::path& ledger, const std::filesystem::path& scratch) {
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::filesystem::path from = ledger.string() + suffix, to = scratch.string() + suffix;
    std::filesystem::remove(to);
    // The index of the write-ahead log is left out: it is made again from the log.
    if (std::string(suffix) != "-shm" && std::filesystem::exists(from))
      std::filesystem::copy_file(from, to, overwrite);
  }
  return look_at(scratch);
}

std::vector<std::string> missing(const LedgerLook& before, const LedgerLook& after) {
  std::vector<std::string> found;
  for (const auto& [name, digest] : before.kept) {
    const auto there = after.kept.find(name);
    if (there == after.kept.end())
      found.push_back(name + " is gone");
    else if (there->second != digest)
      found.push_back(name + " has changed");
  }
  return found;
}

int64_t longest_attempt_ms(const std::filesystem::path& ledger) {
  Database database(ledger, Database::Access::Read);
  Statement longest(database, "SELECT coalesce(max(ended_at - started_at), 0) FROM attempt");
  return longest.step() ? longest.integer(0) : 0;
}

}  // namespace crash
