#include "storage/lock.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "tests/storage/ledger_fixture.h"
#include "tests/support/child_process.h"

static constexpr std::chrono::seconds kLong(60);

TEST_SUITE("storage/lock") {
  TEST_CASE("a second writer is refused, naming the holder's pid and what to do") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    storage::LedgerWriter writer(file);

    const std::string error = failure_of([&] { storage::LedgerWriter second(file); });

    CHECK(holds(error, "process " + std::to_string(::getpid()) + " is writing the ledger"));
    CHECK(holds(error, "wait until it ends"));
    CHECK_THROWS_AS(storage::LedgerWriter{file}, storage::LedgerBusy);
  }

  TEST_CASE("the same file under another name is the same ledger") {
    TemporaryFolder folder;
    std::filesystem::create_directory(folder / "real");
    std::filesystem::create_directory_symlink(folder / "real", folder / "alias");
    storage::FileLock lock(folder / "real/a.sqlite");

    CHECK_THROWS_AS(storage::FileLock{folder / "alias/a.sqlite"}, storage::LedgerBusy);
  }

  TEST_CASE("another thread of the same process is refused") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    storage::FileLock lock(file);
    std::string error;

    std::thread([&] { error = failure_of([&] { storage::FileLock second(file); }); }).join();

    CHECK(holds(error, "is writing the ledger"));
  }

  TEST_CASE("a child process is refused while its parent holds the lock") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    storage::FileLock lock(file);

    support::ChildProcess child([&](int) {
      try {
        storage::FileLock second(file);
      } catch (const storage::LedgerBusy& busy) {
        return holds(busy.what(), std::to_string(::getppid())) ? 7 : 1;
      }
      return 0;
    });

    CHECK(child.wait(kLong).exit_code == 7);
  }

  TEST_CASE("a lock whose holder was killed does not block") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    support::ChildProcess child([&](int report) {
      storage::LedgerWriter writer(file);
      if (::write(report, "x\n", 2) != 2) return 1;
      ::pause();
      return 0;
    });
    REQUIRE(child.read_line(kLong) == "x");
    CHECK(holds(failure_of([&] { storage::LedgerWriter writer(file); }),
                "process " + std::to_string(child.pid())));

    child.signal(SIGKILL);
    child.wait(kLong);

    CHECK_NOTHROW(storage::LedgerWriter{file});
    CHECK(std::filesystem::exists(file.string() + ".lock"));
  }

  TEST_CASE("the lock file is private, and a link in its place is not followed") {
    TemporaryFolder folder;
    { storage::FileLock lock(folder / "a.sqlite"); }
    struct stat status = {};
    REQUIRE(::stat((folder / "a.sqlite.lock").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);

    write_bytes(folder / "victim", "precious");
    std::filesystem::create_symlink(folder / "victim", folder / "b.sqlite.lock");
    CHECK(holds(failure_of([&] { storage::FileLock lock(folder / "b.sqlite"); }), "lock file"));
    CHECK(bytes_of(folder / "victim") == "precious");
  }
}
