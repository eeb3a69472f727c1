#include "pipeline/retry.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace pipeline;

TEST_SUITE("pipeline/retry") {
  using Next = Disposition::Next;
  using Source = AttemptFailure::Source;
  constexpr int64_t kNow = 784111770'000;  // 7 s before Sun, 06 Nov 1994 08:49:37 GMT

  Disposition of(int status, std::string code = "", std::string should_retry = "") {
    AttemptFailure failure{.source = Source::Server, .status = status};
    failure.error_code = std::move(code);
    failure.should_retry = std::move(should_retry);
    return dispose(failure, {}, kNow);
  }

  TEST_CASE("each status has its disposition") {
    const std::vector<std::pair<int, Next>> table{
        {0, Next::Retry},   {301, Next::Halt},  {307, Next::Halt},  {400, Next::Final},
        {401, Next::Halt},  {402, Next::Halt},  {403, Next::Halt},  {404, Next::Halt},
        {405, Next::Final}, {408, Next::Retry}, {409, Next::Retry}, {413, Next::Final},
        {415, Next::Final}, {422, Next::Final}, {425, Next::Retry}, {429, Next::Retry},
        {500, Next::Retry}, {502, Next::Retry}, {503, Next::Retry}, {504, Next::Retry},
        {529, Next::Retry}, {599, Next::Retry}, {202, Next::Retry},
    };
    for (const auto& row : table) {
      const int status = row.first;
      CAPTURE(status);
      CHECK(of(status).next == row.second);
    }
  }

  TEST_CASE("only 429, 503, 529 and their codes are overload") {
    for (const int status : {429, 503, 529}) CHECK(of(status).overloaded);
    for (const int status : {500, 502, 504, 408, 0}) CHECK_FALSE(of(status).overloaded);
    CHECK(of(0, "rate_limit_exceeded").overloaded);
    CHECK(of(0, "overloaded_error").overloaded);
  }

  TEST_CASE("codes overrule statuses") {
    CHECK(of(429, "insufficient_quota").next == Next::Halt);
    CHECK(of(429, "429 insufficient_quota").next == Next::Halt);
    CHECK(of(400, "model_not_found").next == Next::Halt);
    CHECK(of(0, "model_not_found").next == Next::Halt);
    CHECK(of(400, "context_length_exceeded").next == Next::Final);
    CHECK(of(500, "context_length_exceeded").next == Next::Final);
  }

  TEST_CASE("a text that a moderator refuses does not stop the run") {
    CHECK(of(403, "content_policy_violation").next == Next::Final);
    CHECK(of(403, "moderation").next == Next::Final);
  }

  TEST_CASE("x-should-retry is obeyed where there is hope") {
    CHECK(of(500, "", "false").next == Next::Final);
    CHECK(of(429, "", "false").next == Next::Final);
    CHECK(of(400, "", "true").next == Next::Retry);
    CHECK(of(401, "", "false").next == Next::Halt);
    CHECK(of(500, "", "maybe").next == Next::Retry);
  }

  TEST_CASE("transport failures are retried and answers over our limits are not") {
    CHECK(dispose({.source = Source::Transport}, {}, kNow).next == Next::Retry);
    CHECK(dispose({.source = Source::Transport, .status = 200}, {}, kNow).next == Next::Retry);
    CHECK(dispose({.source = Source::Limit, .status = 200}, {}, kNow).next == Next::Final);
  }

  TEST_CASE("the asked wait is read in all its forms") {
    struct Row {
      const char* ms;
      const char* after;
      std::optional<int64_t> wait;
    };
    const std::vector<Row> table{
        {"", "", {}},
        {"", "1", 1000},
        {"", " 2 ", 2000},
        {"", "0", 0},
        {"", "1.5", 1500},
        {"", "1e9", 1'000'000'000'000},
        {"250", "9", 250},       // milliseconds first
        {"garbage", "9", 9000},  // then seconds
        {"-1", "", {}},
        {"", "-1", {}},
        {"", "-0.001", {}},
        {"", "nan", {}},
        {"", "NaN", {}},
        {"", "inf", {}},
        {"", "Infinity", {}},
        {"", "1e999", {}},
        {"", "soon", {}},
        {"", "1 s", {}},
        {"", "0x10", {}},
        {"", "Sun, 06 Nov 1994 08:49:37 GMT", 7000},
        {"", "Sun, 06 Nov 1994 08:49:29 GMT", {}},  // in the past
        {"", "Sun, 06 Nov 1994 08:49:30 GMT", 0},
        {"", "Sunday, 06-Nov-94 08:49:37 GMT", {}},
    };
    for (const Row& row : table) {
      CAPTURE(row.ms);
      CAPTURE(row.after);
      CHECK(asked_wait_ms(row.ms, row.after, kNow) == row.wait);
    }
  }

  TEST_CASE("a wait longer than the cap is parked for the cap") {
    AttemptFailure failure{.source = Source::Server, .status = 429};
    for (const char* after : {"121", "1e9", "99999999999"}) {
      failure.retry_after = after;
      const Disposition result = dispose(failure, {}, kNow);
      CHECK(result.next == Next::Retry);
      CHECK(result.wait_ms == 120'000);
    }
    failure.retry_after = "119";
    CHECK(dispose(failure, {}, kNow).wait_ms == 119'000);
    failure.retry_after = "text";
    CHECK_FALSE(dispose(failure, {}, kNow).wait_ms);
  }

  TEST_CASE("HTTP dates") {
    CHECK(read_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777'000);
    CHECK(read_http_date("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
    CHECK(read_http_date("Tue, 29 Feb 2028 23:59:60 GMT"));
    for (const char* wrong : {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT",
                              "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 ovD 1994 08:49:37 GMT",
                              "Sun, -6 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
      CAPTURE(wrong);
      CHECK_FALSE(read_http_date(wrong));
    }
  }

  TEST_CASE("the back-off is spread over a range that doubles up to its limit") {
    const RetryRules rules;
    for (int64_t attempt = 1; attempt <= 40; ++attempt) {
      const int64_t longest = attempt > 6 ? 30'000 : std::min<int64_t>(30'000, 250 << attempt);
      int64_t sum = 0;
      for (int i = 0; i < 1000; ++i) {
        const int64_t wait = backoff_ms("call " + std::to_string(i), attempt, rules);
        CHECK(wait >= 0);
        CHECK(wait < longest);
        sum += wait;
      }
      CAPTURE(attempt);
      CHECK(sum / 1000 > longest * 45 / 100);
      CHECK(sum / 1000 < longest * 55 / 100);
    }
  }

  TEST_CASE("the back-off of a call is the same in every run, and differs between calls") {
    CHECK(backoff_ms("a", 3, {}) == backoff_ms("a", 3, {}));
    std::set<int64_t> waits;
    for (int i = 0; i < 100; ++i) waits.insert(backoff_ms(std::to_string(i), 6, {}));
    CHECK(waits.size() > 90);
  }

  TEST_CASE("the retry budget allows a burst, then a part of the successes and a trickle") {
    RetryBudget budget({.burst = 2, .per_success = 0.25, .per_second = 0.5}, 0);
    CHECK(budget.has_token(0));
    budget.spend(0);
    budget.spend(0);
    CHECK_FALSE(budget.has_token(0));

    for (int i = 0; i < 3; ++i) budget.succeeded(0);
    CHECK_FALSE(budget.has_token(0));
    budget.succeeded(0);
    budget.succeeded(0);
    CHECK(budget.has_token(0));
    budget.spend(0);

    CHECK_FALSE(budget.has_token(1499));  // 0.25 + 0.7495
    CHECK(budget.has_token(1500));
    CHECK(budget.token_at_ms(0) == 1501);
  }

  TEST_CASE("the retry budget never holds more than its burst") {
    RetryBudget budget({.burst = 2, .per_success = 1, .per_second = 100}, 0);
    for (int i = 0; i < 100; ++i) budget.succeeded(1'000'000);
    budget.spend(1'000'000);
    budget.spend(1'000'000);
    CHECK_FALSE(budget.has_token(1'000'000));
  }

  TEST_CASE("a retry that is answered costs nothing") {
    RetryBudget budget({.burst = 1, .per_success = 0, .per_second = 0}, 0);
    for (int i = 0; i < 100; ++i) {
      REQUIRE(budget.has_token(0));
      budget.spend(0);
      CHECK_FALSE(budget.has_token(0));
      budget.refund(0);
    }
  }

  TEST_CASE("a budget without a trickle names a time far away") {
    RetryBudget budget({.burst = 1, .per_success = 1, .per_second = 0}, 0);
    budget.spend(0);
    CHECK(budget.token_at_ms(0) > 1'000'000'000);
  }
}
