#include "storage/migrations.h"

#include <doctest/doctest.h>

#include "tests/storage/ledger_fixture.h"

using storage::Database;
using storage::Statement;

namespace {

int64_t number(Database& database, const std::string& sql) {
  Statement statement(database, sql);
  REQUIRE(statement.step());
  return statement.integer(0);
}

int64_t newest() { return int64_t(storage::migrations().size()); }

}  // namespace

TEST_SUITE("storage/migrations") {
  TEST_CASE("an empty file gets the newest schema and the mark of a ledger") {
    TemporaryFolder folder;
    write_bytes(folder / "a.sqlite", "");

    { storage::LedgerWriter writer(folder / "a.sqlite"); }

    Database database(folder / "a.sqlite", Database::Access::Read);
    CHECK(number(database, "PRAGMA user_version") == newest());
    CHECK(number(database, "PRAGMA application_id") == storage::kApplicationId);
    CHECK_NOTHROW(storage::check_schema(database, "a.sqlite"));
  }

  TEST_CASE("a file of version 1 keeps its rows and becomes the newest") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    {
      Database old(file, Database::Access::Write);
      storage::migrate(old, file, storage::migrations().first(1));
      old.execute("INSERT INTO text (sha256, bytes) VALUES ('a', x'00')");
      REQUIRE(number(old, "PRAGMA user_version") == 1);
    }
    CHECK(holds(failure_of([&] { storage::LedgerReader reader(file); }), "older ledger version 1"));

    { storage::LedgerWriter writer(file); }

    Database database(file, Database::Access::Read);
    CHECK(number(database, "PRAGMA user_version") == newest());
    CHECK(number(database, "SELECT count(*) FROM text") == 1);
    CHECK(number(database, "SELECT count(*) FROM call_text") == 0);
  }

  TEST_CASE("a migration that fails halfway leaves the version before it") {
    Database database;
    const char* const steps[] = {"CREATE TABLE one (x INTEGER)",
                                 "CREATE TABLE two (x INTEGER); CREATE TABLE one (x INTEGER)"};

    CHECK_THROWS_AS(storage::migrate(database, "m", steps), storage::SqlError);

    CHECK(number(database, "PRAGMA user_version") == 1);
    CHECK(number(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'two'") == 0);
  }

  TEST_CASE("a newer version is refused by writer and reader, naming both versions") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    { storage::LedgerWriter writer(file); }
    {
      Database database(file, Database::Access::Write);
      database.execute("PRAGMA user_version = 99");
    }

    const std::string error = failure_of([&] { storage::LedgerWriter writer(file); });

    CHECK(holds(error, "version 99"));
    CHECK(holds(error, "up to " + std::to_string(newest())));
    CHECK_THROWS_AS(storage::LedgerWriter{file}, storage::LedgerTooNew);
    CHECK_THROWS_AS(storage::LedgerReader{file}, storage::LedgerTooNew);
  }

  TEST_CASE("another program's database is refused and not changed by a byte") {
    TemporaryFolder folder;
    const auto file = folder / "other.sqlite";
    {
      Database other(file, Database::Access::Write);
      other.execute("PRAGMA journal_mode = DELETE; CREATE TABLE t (x INTEGER)");
    }
    const std::string before = bytes_of(file);

    const std::string error = failure_of([&] { storage::LedgerWriter writer(file); });

    CHECK(holds(error, "database of another program"));
    CHECK(holds(failure_of([&] { storage::LedgerReader reader(file); }), "another program"));
    CHECK(bytes_of(file) == before);
  }

  TEST_CASE("a file that is no database is refused and not changed by a byte") {
    TemporaryFolder folder;
    const auto file = folder / "notes.txt";
    const std::string text(5'000, 'n');
    write_bytes(file, text);

    CHECK(holds(failure_of([&] { storage::LedgerWriter writer(file); }), "not an SQLite database"));
    CHECK(holds(failure_of([&] { storage::LedgerReader reader(file); }), "not an SQLite database"));
    CHECK(bytes_of(file) == text);
  }

  TEST_CASE("a ledger with a trigger, a missing table or an altered view is refused") {
    for (const auto& altered :
         {std::pair{"CREATE TRIGGER spy AFTER INSERT ON run BEGIN SELECT 1; END", "trigger 'spy'"},
          std::pair{"DROP TABLE annotation", "'annotation_by_run' is missing or altered"},
          std::pair{"DROP VIEW run_summary; CREATE VIEW run_summary AS SELECT 1",
                    "view 'run_summary' is missing or altered"}}) {
      const auto& change = altered.first;
      const auto& complaint = altered.second;
      CAPTURE(change);
      TemporaryFolder folder;
      const auto file = folder / "a.sqlite";
      { storage::LedgerWriter writer(file); }
      {
        Database database(file, Database::Access::Write);
        database.execute(change);
      }

      CHECK(holds(failure_of([&] { storage::LedgerReader reader(file); }), complaint));
      CHECK(holds(failure_of([&] { storage::LedgerWriter writer(file); }), complaint));
    }
  }

  TEST_CASE("tables and views that people added are left alone") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    { storage::LedgerWriter writer(file); }
    {
      Database database(file, Database::Access::Write);
      database.execute("CREATE TABLE my_marks (x INTEGER); CREATE VIEW mine AS SELECT 1");
    }

    CHECK_NOTHROW(storage::LedgerReader{file});
    CHECK_NOTHROW(storage::LedgerWriter{file});
  }
}
