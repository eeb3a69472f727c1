#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pipeline {

// What is done about an attempt that failed, as values: no clock, no chance, no waiting in here.
// Statuses and headers mean what openai-python takes them for, so that servers written for it are
// treated as they expect.

struct RetryRules {
  int64_t attempts_max = 8;             // of one call; probes of an open breaker are not counted
  int64_t first_wait_ms = 500;          // doubled with each attempt
  int64_t wait_ms_max = 30'000;         // ... up to this
  int64_t asked_wait_ms_max = 120'000;  // a server's Retry-After is honoured up to this
};

// Why an attempt failed. What is unknown stays empty.
struct AttemptFailure {
  enum class Source {
    Transport,  // no answer, or one that was cut or is not one
    Server,     // an error status, or an error object within a 200
    Limit,      // the answer is larger than we take
  };
  Source source = Source::Transport;
  int status = 0;              // of HTTP; of an error object in a stream: its numeric code, if any
  std::string error_code{};    // `error.code` and, after a blank, `error.type`, in lower case
  std::string should_retry{};  // x-should-retry
  std::string retry_after_ms{};  // retry-after-ms
  std::string retry_after{};     // Retry-After
};

struct Disposition {
  enum class Next {
    Retry,
    Final,  // asking again cannot help this call
    Halt,   // nor any other call on this endpoint: key refused, model unknown, quota spent
  };
  Next next = Next::Retry;
  std::optional<int64_t> wait_ms{};  // asked for by the server, at most asked_wait_ms_max
  bool overloaded = false;           // the endpoint has too much to do
};
Disposition dispose(const AttemptFailure& failure, const RetryRules& rules, int64_t now_unix_ms);

// The wait that a server asks for, in milliseconds: `retry-after-ms`, else Retry-After in seconds
// or as an HTTP date (the one form that RFC 9110 lets servers send). Nothing if there is none, or
// if it is negative, not finite, in the past or not understood: then the back-off applies.
std::optional<int64_t> asked_wait_ms(std::string_view retry_after_ms, std::string_view retry_after,
                                     int64_t now_unix_ms);

// "Sun, 06 Nov 1994 08:49:37 GMT" in Unix milliseconds.
std::optional<int64_t> read_http_date(std::string_view text);

// How long to wait after failed attempt number `attempt` (from 1): evenly distributed between 0
// and first_wait_ms * 2^(attempt - 1), so that calls that failed together do not return together.
// Drawn from (call key, attempt) alone: a run replayed waits the same.
int64_t backoff_ms(std::string_view call_key, int64_t attempt, const RetryRules& rules);

// How many retries an endpoint gets that bring nothing. Each retry spends a token and gets it back
// if it is answered: then it was no extra load. Other answers earn a part of one each, and a
// trickle lets a quiet endpoint be tried at all. Without a token a retry waits: it does not fail.
class RetryBudget {
 public:
  struct Rules {
    double burst = 16;
    double per_success = 0.1;  // a tenth of extra load
    double per_second = 0.5;
  };
  RetryBudget(Rules rules, int64_t now_ms);

  bool has_token(int64_t now_ms) const { return tokens_at(now_ms) >= 1; }
  void spend(int64_t now_ms);      // REQUIRES: has_token(now_ms)
  void refund(int64_t now_ms);     // a retry was answered
  void succeeded(int64_t now_ms);  // a first attempt was
  // When the trickle alone will have made a token.
  int64_t token_at_ms(int64_t now_ms) const;

 private:
  double tokens_at(int64_t now_ms) const;
  void earn(double tokens, int64_t now_ms);

  Rules rules_;
  double tokens_;
  int64_t counted_at_ms_;
};

}  // namespace pipeline
