// A child process answers calls as fast as it can and reports each one whose `done` it got; it is
// killed at a random moment. Whatever it reported must be in the ledger, with the same bytes.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <sstream>
#include <thread>

#include "storage/ledger.h"
#include "tests/storage/ledger_fixture.h"
#include "tests/support/child_process.h"

namespace {

constexpr std::chrono::seconds kLong(60);
constexpr int kInFlight = 40;  // calls that the child has open at a time

std::string answer_text(const std::string& key) {
  return "answer of " + key + std::string(key.size() * 37 % 5'000, 'x');
}

// One line for each committed answer. A line is far below PIPE_BUF, so it arrives whole.
void report(int pipe, const std::string& key) {
  const std::string line = key + "\n";
  if (::write(pipe, line.data(), line.size()) != ssize_t(line.size())) ::_exit(3);
}

// Never ends by itself.
int answer_for_ever(const std::filesystem::path& file, int64_t run, int life, int pipe) {
  storage::LedgerWriter writer(file);
  for (int64_t i = 0;; ++i) {
    const std::string key = std::to_string(life) + '/' + std::to_string(i);
    writer.intend(run, sample_intent(key), nullptr);
    writer.answer(run, key, sample_answer(answer_text(key)), {}, {},
                  [pipe, key](std::exception_ptr error) {
                    if (!error) report(pipe, key);
                  });
    if (i % kInFlight == kInFlight - 1) writer.flush();
  }
}

// Kills `lives` writers of one ledger, checks after each; how many answers were acknowledged.
std::size_t kill_and_check(int lives, uint64_t seed) {
  TemporaryFolder folder;
  const auto file = folder / "a.sqlite";
  int64_t run = 0;
  { run = storage::LedgerWriter(file).create_run(sample_run(), {sample_problem()}); }
  std::mt19937_64 random(seed);
  std::size_t acknowledged = 0;

  for (int life = 0; life < lives; ++life) {
    support::ChildProcess child([&](int pipe) { return answer_for_ever(file, run, life, pipe); });
    // Every third is hit while it opens what the one before left behind, the others at work.
    std::string reported;
    if (life % 3 != 0) {
      const auto first = child.read_line(kLong);
      REQUIRE(first);
      reported = *first + "\n";
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    child.signal(SIGKILL);
    std::istringstream keys(reported + child.wait(kLong).output);

    const storage::LedgerReader reader(file);
    CAPTURE(seed);
    CAPTURE(life);
    for (std::string key; std::getline(keys, key); ++acknowledged) {
      const auto call = reader.call(run, key);
      CAPTURE(key);
      REQUIRE(call);
      REQUIRE(call->state == "answered");
      REQUIRE(call->answer.text == answer_text(key));
    }
    if (life % 10 == 0) REQUIRE(reader.check().empty());
  }
  return acknowledged;
}

}  // namespace

TEST_SUITE("storage/crash") {
  TEST_CASE("25 killed writers lose no acknowledged answer") { CHECK(kill_and_check(25, 1) > 25); }

  TEST_CASE("a call that was intended and not answered at the death can be answered after it") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    int64_t run = 0;
    { run = storage::LedgerWriter(file).create_run(sample_run(), {sample_problem()}); }
    support::ChildProcess child([&](int pipe) {
      storage::LedgerWriter writer(file);
      writer.intend(run, sample_intent("call"), [pipe](std::exception_ptr) { report(pipe, "x"); });
      ::pause();
      return 0;
    });
    REQUIRE(child.read_line(kLong) == "x");
    child.signal(SIGKILL);
    child.wait(kLong);

    storage::LedgerWriter writer(file);
    writer.intend(run, sample_intent("call"), nullptr);
    writer.answer(run, "call", sample_answer("late"), {}, {}, nullptr);
    writer.flush();

    CHECK(storage::LedgerReader(file).call(run, "call")->answer.text == "late");
  }
}

TEST_SUITE("slow/storage/crash") {
  TEST_CASE("200 killed writers lose no acknowledged answer") {
    CHECK(kill_and_check(200, 2) > 200);
  }
}
