#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "storage/ledger.h"
#include "tests/storage/ledger_fixture.h"
#include "tests/support/child_process.h"

namespace {

constexpr std::chrono::seconds kLong(60);

std::string key_of(int i) { return "generator/" + std::to_string(i); }

// Answers calls under a limit on the size of files until one fails. Leaves with 0 if the failure
// names file and remedy and the writer then accepts nothing more; reports one byte an answer.
int answer_until_full(const std::filesystem::path& file, int64_t run, rlim_t bytes, int pipe) {
  ::signal(SIGXFSZ, SIG_IGN);  // as the program does at its start
  const rlimit limit{bytes, bytes};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 90;

  storage::LedgerWriter writer(file);
  std::string failure;
  for (int i = 0; failure.empty(); ++i) {
    if (i == 10'000) return 91;
    writer.intend(run, sample_intent(key_of(i)), nullptr);
    writer.answer(run, key_of(i), sample_answer(key_of(i) + std::string(20'000, 'x')), {}, {},
                  [pipe](std::exception_ptr error) {
                    if (!error && ::write(pipe, "x", 1) != 1) ::_exit(92);
                  });
    if (i % 5 == 4) failure = failure_of([&] { writer.flush(); });
  }
  if (!holds(failure, file.string()) || !holds(failure, "free some space")) return 93;

  std::atomic<int> refused = 0;
  writer.intend(run, sample_intent("late"),
                [&](std::exception_ptr error) { refused += error ? 1 : 0; });
  if (refused != 1) return 94;
  if (failure_of([&] { writer.set_run_state(run, "stopped", ""); }) != failure) return 95;
  // The database can still be read.
  return storage::LedgerReader(file).runs().size() == 1 ? 0 : 96;
}

}  // namespace

TEST_SUITE("storage/disk_full") {
  TEST_CASE("a full disk stops the writer with a sentence and loses nothing acknowledged") {
    for (const rlim_t bytes : {120'000, 300'001, 500'000, 1'500'000}) {
      CAPTURE(bytes);
      TemporaryFolder folder;
      const auto file = folder / "a.sqlite";
      int64_t run = 0;
      { run = storage::LedgerWriter(file).create_run(sample_run(), {sample_problem()}); }

      support::ChildProcess child(
          [&](int pipe) { return answer_until_full(file, run, bytes, pipe); });
      const auto ended = child.wait(kLong);
      const std::size_t acknowledged = ended.output.size();
      CHECK(ended.exit_code == 0);

      storage::LedgerWriter writer(file);  // with space again, the same command goes on
      const storage::LedgerReader reader(file);
      for (int i = 0; i < int(acknowledged); ++i) {
        const auto call = reader.call(run, key_of(i));
        REQUIRE(call);
        CHECK(call->answer.text == key_of(i) + std::string(20'000, 'x'));
      }
      CHECK(reader.check().empty());
      CHECK_NOTHROW(writer.set_run_state(run, "running", ""));
    }
  }
}
