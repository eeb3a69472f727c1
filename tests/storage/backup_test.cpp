#include <doctest/doctest.h>
#include <sys/stat.h>

#include "storage/ledger.h"
#include "tests/storage/ledger_fixture.h"

namespace {

std::size_t files_in(const TemporaryFolder& folder) {
  const std::filesystem::directory_iterator files(folder.path());
  return std::size_t(std::distance(begin(files), end(files)));
}

}  // namespace

TEST_SUITE("storage/backup") {
  TEST_CASE("a ledger in use is copied as it stands, and the copy can be continued") {
    TemporaryFolder folder;
    TemporaryFolder safe;
    Ledger ledger(folder / "a.sqlite");
    fill(ledger);

    storage::back_up(ledger.file, safe / "copy.sqlite");
    ledger.intend(sample_intent("after"));

    CHECK(files_in(safe) == 1);
    struct stat status = {};
    REQUIRE(::stat((safe / "copy.sqlite").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    {
      const storage::LedgerReader copy(safe / "copy.sqlite");
      CHECK(copy.check().empty());
      CHECK(copy.call(ledger.run, "verifier/0")->answer.text == "there is a gap");
      CHECK(!copy.call(ledger.run, "after"));
    }
    storage::LedgerWriter continued(safe / "copy.sqlite");
    CHECK_NOTHROW(continued.set_run_state(ledger.run, "running", ""));
  }

  TEST_CASE("an older copy is replaced") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    storage::back_up(ledger.file, folder / "copy.sqlite");
    ledger.intend(sample_intent("after"));

    storage::back_up(ledger.file, folder / "copy.sqlite");

    CHECK(storage::LedgerReader(folder / "copy.sqlite").call(ledger.run, "after"));
  }

  TEST_CASE("a target that is in use, crashed or the source itself is refused and kept") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    storage::LedgerWriter other(folder / "b.sqlite");
    write_bytes(folder / "c.sqlite", "");
    write_bytes(folder / "c.sqlite-wal", "left by a crash");
    const auto copy_to = [&](const char* name) {
      return failure_of([&] { storage::back_up(ledger.file, folder / name); });
    };

    CHECK(holds(copy_to("b.sqlite"), "is writing the ledger"));
    CHECK(holds(copy_to("c.sqlite"), "has a write-ahead log"));
    CHECK(holds(copy_to("a.sqlite"), "onto itself"));
    CHECK(holds(copy_to("none/a.sqlite"), "No such file"));
    CHECK(bytes_of(folder / "c.sqlite").empty());
  }

  TEST_CASE("what is no ledger is not backed up") {
    TemporaryFolder folder;
    write_bytes(folder / "empty", "");

    CHECK(holds(failure_of([&] { storage::back_up(folder / "empty", folder / "b"); }), "empty"));
    CHECK(!std::filesystem::exists(folder / "b"));
  }
}
