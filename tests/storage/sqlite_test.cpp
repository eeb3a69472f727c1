#include "storage/sqlite.h"

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "tests/storage/ledger_fixture.h"

using storage::Database;
using storage::Statement;
using storage::Transaction;

namespace {

int64_t number(Database& database, const char* sql) {
  Statement statement(database, sql);
  REQUIRE(statement.step());
  return statement.integer(0);
}

std::string word(Database& database, const char* sql) {
  Statement statement(database, sql);
  REQUIRE(statement.step());
  return statement.text(0);
}

}  // namespace

TEST_SUITE("storage/sqlite") {
  TEST_CASE("a transaction not committed leaves nothing behind") {
    Database database;
    database.execute("CREATE TABLE t (x INTEGER) STRICT");

    {
      Transaction lost(database);
      database.execute("INSERT INTO t VALUES (1)");
    }
    {
      Transaction kept(database);
      database.execute("INSERT INTO t VALUES (2)");
      kept.commit();
    }

    CHECK(number(database, "SELECT count(*) FROM t") == 1);
    CHECK(number(database, "SELECT x FROM t") == 2);
  }

  TEST_CASE("an error names the SQL, and a long one is cut") {
    Database database;

    const std::string error = failure_of([&] { database.execute("SELECT * FROM nowhere"); });
    const std::string cut =
        failure_of([&] { database.execute("SELECT " + std::string(400, ' ') + "* FROM nowhere"); });

    CHECK(holds(error, "no such table: nowhere"));
    CHECK(holds(error, "SQL: SELECT * FROM nowhere"));
    CHECK(holds(cut, "no such table: nowhere"));
    CHECK(!holds(cut, "FROM nowhere"));
  }

  TEST_CASE("text keeps its NUL bytes and a statement can be run again") {
    Database database;
    database.execute("CREATE TABLE t (a TEXT NOT NULL, b BLOB NOT NULL) STRICT");
    const std::string bytes("a\0b\xff", 4);

    Statement insert(database, "INSERT INTO t VALUES (?, ?)");
    insert.bind(1, bytes).bind_blob(2, bytes).run();
    insert.bind(1, "").bind_blob(2, std::string_view()).run();

    Statement read(database, "SELECT a, b FROM t ORDER BY rowid");
    REQUIRE(read.step());
    CHECK(read.text(0) == bytes);
    CHECK(read.text(1) == bytes);
    REQUIRE(read.step());
    CHECK(read.text(0) == "");
    CHECK(!read.is_null(1));
    CHECK(!read.step());
  }

  TEST_CASE("bindings do not outlive the run they were made for") {
    Database database;
    database.execute("CREATE TABLE t (x INTEGER, y REAL) STRICT");
    Statement insert(database, "INSERT INTO t VALUES (?, ?)");

    insert.bind(1, int64_t{5}).bind(2, 0.5).run();
    insert.bind(2, std::optional<double>()).run();

    Statement read(database, "SELECT x, y FROM t ORDER BY rowid");
    REQUIRE(read.step());
    CHECK(read.integer(0) == 5);
    CHECK(read.real(1) == 0.5);
    REQUIRE(read.step());
    CHECK(read.is_null(0));
    CHECK(read.optional_text(1) == std::nullopt);
  }

  TEST_CASE("a statement is one statement, and run() wants no row") {
    Database database;

    CHECK_THROWS_AS(Statement(database, "SELECT 1; SELECT 2"), std::logic_error);
    CHECK_THROWS_AS(Statement(database, "  "), std::logic_error);
    Statement select(database, "SELECT 1;");
    CHECK_THROWS_AS(select.run(), std::logic_error);
  }

  TEST_CASE("a row above 64 MiB is refused") {
    Database database;
    database.execute("CREATE TABLE t (x BLOB) STRICT");
    Statement insert(database, "INSERT INTO t VALUES (?)");
    const std::string large((64 << 20) + 1, 'x');

    CHECK_THROWS_AS(insert.bind_blob(1, large), storage::SqlError);
    CHECK(number(database, "SELECT count(*) FROM t") == 0);
  }

  TEST_CASE("a file to be written has a log, full syncs, references and no automatic checkpoint") {
    TemporaryFolder folder;
    Database database(folder / "a.sqlite", Database::Access::Write);

    CHECK(word(database, "PRAGMA journal_mode") == "wal");
    CHECK(number(database, "PRAGMA synchronous") == 2);
    CHECK(number(database, "PRAGMA foreign_keys") == 1);
    CHECK(number(database, "PRAGMA wal_autocheckpoint") == 0);
  }

  TEST_CASE("a new file and its log belong to their owner alone") {
    TemporaryFolder folder;
    const mode_t before = ::umask(0);

    Database database(folder / "a.sqlite", Database::Access::Write);
    database.execute("CREATE TABLE t (x INTEGER) STRICT");

    ::umask(before);
    for (const char* name : {"a.sqlite", "a.sqlite-wal", "a.sqlite-shm"}) {
      CAPTURE(name);
      struct stat status = {};
      REQUIRE(::stat((folder / name).c_str(), &status) == 0);
      CHECK((status.st_mode & 0777) == 0600);
    }
  }

  TEST_CASE("a symbolic link, a folder and a missing folder are refused with a sentence") {
    TemporaryFolder folder;
    { Database database(folder / "a.sqlite", Database::Access::Write); }
    std::filesystem::create_symlink(folder / "a.sqlite", folder / "link");
    const auto open = [&](const char* name, Database::Access access) {
      return failure_of([&] { Database database(folder / name, access); });
    };

    for (const auto access : {Database::Access::Write, Database::Access::Read}) {
      CHECK(holds(open("link", access), "is not a regular file"));
      CHECK(holds(open(".", access), "is not a regular file"));
      CHECK(holds(open("none/a.sqlite", access), "No such file or directory"));
    }
    CHECK(holds(open("b.sqlite", Database::Access::Read), "there is no file"));
  }

  TEST_CASE("a reader cannot write, and leaves the log alone when it closes") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    auto writer = std::make_unique<Database>(file, Database::Access::Write);
    writer->execute("CREATE TABLE t (x INTEGER) STRICT; INSERT INTO t VALUES (1);");

    {
      Database reader(file, Database::Access::Read);
      CHECK(number(reader, "SELECT x FROM t") == 1);
      CHECK(holds(failure_of([&] { reader.execute("INSERT INTO t VALUES (2)"); }), "readonly"));
    }

    CHECK(std::filesystem::file_size(file.string() + "-wal") > 0);
  }

  TEST_CASE("triggers in a stranger's file do not fire") {
    Database database;
    database.execute(
        "CREATE TABLE t (x INTEGER); CREATE TABLE u (x INTEGER);"
        "CREATE TRIGGER spy AFTER INSERT ON t BEGIN INSERT INTO u VALUES (1); END;"
        "INSERT INTO t VALUES (1);");

    CHECK(number(database, "SELECT count(*) FROM u") == 0);
  }

  TEST_CASE("failures of the disk or the file are told from those of one statement") {
    CHECK(storage::SqlError(SQLITE_FULL, "").environment_failed());
    CHECK(storage::SqlError(SQLITE_IOERR_WRITE, "").environment_failed());
    CHECK(storage::SqlError(SQLITE_CORRUPT, "").environment_failed());
    CHECK(!storage::SqlError(SQLITE_CONSTRAINT_UNIQUE, "").environment_failed());
    CHECK(!storage::SqlError(SQLITE_TOOBIG, "").environment_failed());
    CHECK(!storage::SqlError(SQLITE_BUSY, "").environment_failed());
  }
}
