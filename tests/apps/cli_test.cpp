// The whole program with wrong input: one sentence on standard error, nothing on standard output,
// and the exit code that was promised.
#include <doctest/doctest.h>

#include <sqlite3.h>

#include "storage/ledger.h"
#include "storage/migrations.h"
#include "storage/sqlite.h"
#include "tests/apps/cli_kit.h"

namespace {

constexpr const char* kCommands[] = {"solve",    "grade",  "calibrate",  "audit",  "runs",
                                     "estimate", "doctor", "completion", "version"};

// The sentence, without the program's name before it.
std::string refused(const std::vector<std::string>& words, int code,
                    const Variables& variables = {}) {
  const Told told = elenchus(words, variables);
  CAPTURE(told.err);
  CHECK(told.code == code);
  CHECK(told.out.empty());
  CHECK(lines_in(told.err) == 1);
  CHECK(told.err.starts_with("elenchus: "));
  return told.err.substr(std::min<std::size_t>(told.err.size(), 10));
}

}  // namespace

TEST_SUITE("apps/cli") {
  TEST_CASE("an unknown command is told with the nearest one") {
    CHECK(has(refused({"sovle"}, 2), "there is no command 'sovle'; did you mean 'solve'?"));
    CHECK(has(refused({"frobnicate"}, 2), "`elenchus --help`"));
  }

  TEST_CASE("so is an unknown command below another") {
    CHECK(refused({"runs", "lst"}, 2) ==
          "'lst' is not expected behind `runs`; did you mean 'list'?\n");
    CHECK(has(refused({"runs", "list", "--jsno"}, 2), "did you mean '--json'?"));
    CHECK(has(refused({"runs"}, 2), "say what to do with runs: list, show, export, backup, path"));
    CHECK(has(refused({"runs", "list", "extra"}, 2), "extra"));
  }

  TEST_CASE("no command at all is told how to get help") { CHECK(has(refused({}, 2), "--help")); }

  TEST_CASE("an unknown flag is told with the nearest one") {
    CHECK(has(refused({"estimate", "x.md", "--vots", "3"}, 2), "did you mean --votes?"));
    CHECK(has(refused({"solve", "x.md", "--budget-cals=3"}, 2), "did you mean --budget-calls?"));
    CHECK(has(refused({"version", "--jsno"}, 2), "did you mean --json?"));
  }

  TEST_CASE("a flag without its value is refused") {
    CHECK(has(refused({"estimate", "x.md", "--votes"}, 2), "--votes"));
    CHECK(has(refused({"runs", "show"}, 2), "run"));
    CHECK(has(refused({"runs", "show", "three"}, 2), "three"));
  }

  TEST_CASE("a file that is not there is named") {
    for (const char* command : {"estimate", "solve", "grade"}) {
      CAPTURE(command);
      CHECK(has(refused({command, "/dev/null/p.md", "--base-url", "http://127.0.0.1:1/v1",
                         "--model", "m", "--db", "/dev/null/ledger"},
                        2),
                "/dev/null/p.md"));
    }
  }

  TEST_CASE("an unknown key of a configuration file is told with file, line and the nearest one") {
    const support::TempDir folder;
    write_file(folder / "elenchus.toml", "seed = 3\nvotess = 8\n");
    const InFolder in(folder.path());

    CHECK(refused({"runs", "list"}, 2) ==
          "elenchus.toml:2: there is no setting 'votess'; did you mean 'votes'?\n");
  }

  TEST_CASE("wrong numbers name the flag and what it must be") {
    CHECK(refused({"estimate", "x.md", "--votes", "0"}, 2) ==
          "--votes: votes is '0', but must be a whole number from 1 to 4096\n");
    CHECK(has(refused({"estimate", "x.md", "--temperature", "hot"}, 2),
              "--temperature: temperature is 'hot', but must be a number from 0 to 10"));
    CHECK(has(refused({"estimate", "x.md"}, 2, {{"ELENCHUS_GRACE", "soon"}}),
              "ELENCHUS_GRACE: grace is 'soon'"));
    CHECK(has(refused({"estimate", "x.md", "--effort", "huge"}, 2), "quick, standard, heavy"));
  }

  TEST_CASE("a ledger that cannot be had is an error of the backend") {
    const support::TempDir folder;
    write_file(folder / "text", "this is no database, however long it may be made to look");
    write_file(folder / "p.md", "Prove that 1 + 1 = 2.\n");

    CHECK(has(refused({"runs", "list", "--db", (folder / "text").string()}, 3), "text"));
    CHECK(has(refused({"solve", (folder / "p.md").string(), "--base-url", "http://127.0.0.1:1/v1",
                       "--model", "m", "--db", (folder / "text/ledger").string()},
                      3),
              "text"));
  }

  TEST_CASE("a ledger of a newer version is refused, not touched") {
    const support::TempDir folder;
    const std::filesystem::path ledger = folder / "ledger.sqlite";
    { const storage::LedgerWriter writer(ledger); }
    {
      storage::Database database(ledger, storage::Database::Access::Write);
      database.execute("PRAGMA user_version = 99");
    }

    CHECK(has(refused({"runs", "list", "--db", ledger.string()}, 3), "newer"));
  }

  TEST_CASE("every command's help starts with an example") {
    for (const char* command : kCommands) {
      CAPTURE(command);
      const Told told = elenchus({command, "--help"});
      CHECK(told.code == 0);
      CHECK(told.err.empty());
      CHECK(told.out.starts_with("Example:\n  "));
      CHECK(has(told.out, command));
    }
    for (const char* leaf : {"list", "show", "export", "backup", "path"}) {
      CAPTURE(leaf);
      CHECK(elenchus({"runs", leaf, "--help"}).out.starts_with("Example:\n  elenchus runs "));
    }
  }

  TEST_CASE("the help of the program lists every command") {
    const Told told = elenchus({"--help"});
    CHECK(told.code == 0);
    for (const char* command : kCommands) CHECK(has(told.out, command));
  }
}
