#include <doctest/doctest.h>

#include <chrono>

#include "storage/ledger.h"
#include "storage/sqlite.h"
#include "tests/storage/ledger_fixture.h"

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Intends and answers `calls` calls with small texts, at most 2,000 waiting at a time.
void record(Ledger& ledger, int calls) {
  for (int i = 0; i < calls; ++i) {
    const std::string key = "generator/" + std::to_string(i);
    ledger.writer.intend(ledger.run, sample_intent(key), nullptr);
    ledger.writer.answer(ledger.run, key, sample_answer("answer " + key), {}, {}, nullptr);
    if (i % 1'000 == 999) ledger.writer.flush();
  }
  ledger.writer.flush();
}

}  // namespace

TEST_SUITE("slow/storage/speed") {
  TEST_CASE("calls are recorded by the thousand each second, and 100,000 open and read fast") {
    constexpr int kCalls = 100'000;
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    int64_t run = 0;
    {
      Ledger ledger(file);
      run = ledger.run;
      const auto start = std::chrono::steady_clock::now();
      const int64_t before = ledger.writer.commits();
      record(ledger, kCalls);
      const double seconds = seconds_since(start);
      MESSAGE("intend + answer: ", kCalls / seconds, " pairs/s, ",
              2.0 * kCalls / double(ledger.writer.commits() - before), " operations a commit");
      CHECK(kCalls / seconds > 500);  // a busy machine and sanitizers included; 5,000 is the goal
    }

    auto start = std::chrono::steady_clock::now();
    { storage::LedgerWriter writer(file); }
    MESSAGE("open and close to write: ", seconds_since(start), " s");
    CHECK(seconds_since(start) < 2);
    start = std::chrono::steady_clock::now();
    const storage::LedgerReader reader(file);
    CHECK(reader.totals(run).calls == kCalls);
    MESSAGE("open and add up: ", seconds_since(start), " s");
    CHECK(seconds_since(start) < 2);
    start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10'000; ++i)
      REQUIRE(reader.call(run, "generator/" + std::to_string(i * 7 % kCalls)));
    MESSAGE("look up: ", 10'000 / seconds_since(start), " calls/s");
    CHECK(reader.calls(run).size() == kCalls);
  }
}
