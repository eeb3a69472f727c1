#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "storage/sqlite.h"
#include "tests/storage/ledger_fixture.h"

namespace {

const std::string& page() {
  static const std::string text = bytes_of(std::filesystem::path(SOURCE_DIR) / "storage/schema.md");
  return text;
}

// The blocks between "```sql" and "```".
std::vector<std::string> queries() {
  std::vector<std::string> found;
  const std::string open = "```sql\n";
  for (std::size_t at = page().find(open); at != std::string::npos; at = page().find(open, at)) {
    at += open.size();
    found.push_back(page().substr(at, page().find("```", at) - at));
  }
  return found;
}

}  // namespace

TEST_SUITE("storage/schema_page") {
  TEST_CASE("every table and view is described") {
    TemporaryFolder folder;
    { storage::LedgerWriter writer(folder / "a.sqlite"); }
    storage::Database database(folder / "a.sqlite", storage::Database::Access::Read);
    storage::Statement each(database,
                            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");

    int described = 0;
    while (each.step()) {
      CAPTURE(each.text(0));
      CHECK(holds(page(), "| `" + each.text(0) + "` |"));
      ++described;
    }
    CHECK(described == 21);
  }

  TEST_CASE("every query runs and finds a row in a ledger that has one to find") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    fill(ledger);
    const std::string content = sample_proof("", "first proof").content_key;
    ledger.intend(sample_intent("verifier/1"));
    ledger.answer("verifier/1", sample_answer("wrong"), sample_vote("verifier/1", content, "0"));
    storage::CallAnswer failed = sample_answer("");
    failed.state = "failed";
    ledger.intend(sample_intent("generator/1"));
    ledger.answer("generator/1", failed);
    storage::Database database(ledger.file, storage::Database::Access::Read);

    CHECK(queries().size() == 6);
    for (const std::string& query : queries()) {
      CAPTURE(query);
      storage::Statement statement(database, query);
      CHECK(statement.step());
    }
  }
}
