#include "pipeline/retry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "pipeline/routing.h"

namespace pipeline {
namespace {

using Next = Disposition::Next;

// Error codes that mean: no call on this endpoint will do.
constexpr std::array kHopelessCodes{
    "insufficient_quota", "insufficient_balance", "billing_hard_limit_reached",
    "billing_not_active", "invalid_api_key",      "account_deactivated",
    "model_not_found",
};

// Error codes that blame the text of this one call, whatever status they come with: a hostile
// proof must not be able to stop a run by being refused with 403.
constexpr std::array kRefusedTextCodes{
    "content_filter",          "content_policy_violation", "moderation",
    "context_length_exceeded", "string_above_max_length",
};

// Error codes within a stream, which has no other status to say it with.
constexpr std::array kOverloadCodes{"rate_limit", "overloaded"};

template <std::size_t N>
bool names_one_of(std::string_view text, const std::array<const char*, N>& codes) {
  return std::ranges::any_of(codes, [&](const char* code) { return text.find(code) != text.npos; });
}

Next next_by_status(int status) {
  if (status == 401 || status == 402 || status == 403 || status == 404) return Next::Halt;
  if (status >= 300 && status < 400) return Next::Halt;  // a wrong address: none is followed
  if (status == 408 || status == 409 || status == 425 || status == 429) return Next::Retry;
  if (status >= 400 && status < 500) return Next::Final;
  return Next::Retry;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A number of units of `unit_ms` as milliseconds.
std::optional<int64_t> read_wait(std::string_view text, double unit_ms) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value) || value < 0) return std::nullopt;
  constexpr double kLongest = 1e15;  // fits into int64_t with room
  return int64_t(std::ceil(std::min(value * unit_ms, kLongest)));
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

Disposition dispose(const AttemptFailure& failure, const RetryRules& rules, int64_t now_unix_ms) {
  Disposition result;
  if (failure.source == AttemptFailure::Source::Limit) return {.next = Next::Final};
  if (failure.source == AttemptFailure::Source::Server) {
    result.next = next_by_status(failure.status);
    // NOLINTNEXTLINE(bugprone-branch-clone): the first rule that applies decides
    if (names_one_of(failure.error_code, kRefusedTextCodes)) {
      result.next = Next::Final;
    } else if (names_one_of(failure.error_code, kHopelessCodes)) {
      result.next = Next::Halt;
    } else if (failure.should_retry == "true") {
      result.next = Next::Retry;
    } else if (failure.should_retry == "false" && result.next == Next::Retry) {
      result.next = Next::Final;
    }
  }
  if (result.next != Next::Retry) return result;

  result.overloaded = failure.status == 429 || failure.status == 503 || failure.status == 529 ||
                      names_one_of(failure.error_code, kOverloadCodes);
  const auto asked = asked_wait_ms(failure.retry_after_ms, failure.retry_after, now_unix_ms);
  if (asked) result.wait_ms = std::min(*asked, rules.asked_wait_ms_max);
  return result;
}

std::optional<int64_t> asked_wait_ms(std::string_view retry_after_ms, std::string_view retry_after,
                                     int64_t now_unix_ms) {
  if (const auto wait = read_wait(trimmed(retry_after_ms), 1)) return wait;
  if (const auto wait = read_wait(trimmed(retry_after), 1000)) return wait;
  const auto date = read_http_date(trimmed(retry_after));
  if (!date || *date < now_unix_ms) return std::nullopt;
  return *date - now_unix_ms;
}

std::optional<int64_t> read_http_date(std::string_view text) {
  constexpr std::string_view kForm = "Www, dd Mmm yyyy hh:mm:ss GMT";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != kForm.size()) return std::nullopt;
  for (const std::size_t i : {3u, 4u, 7u, 11u, 16u, 19u, 22u, 25u, 26u, 27u, 28u})
    if (text[i] != kForm[i]) return std::nullopt;

  const std::size_t month = kMonths.find(text.substr(8, 3));
  const auto day = digits(text, 5, 2), year = digits(text, 12, 4);
  const auto hour = digits(text, 17, 2), minute = digits(text, 20, 2), second = digits(text, 23, 2);
  if (month == kMonths.npos || month % 3 != 0 || !day || !year || !hour || !minute || !second)
    return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;  // 60: a leap second

  namespace chrono = std::chrono;
  const chrono::year_month_day date{chrono::year(*year), chrono::month(unsigned(month / 3 + 1)),
                                    chrono::day(unsigned(*day))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + *hour) * 60 + *minute) * 60 + *second) * 1000;
}

int64_t backoff_ms(std::string_view call_key, int64_t attempt, const RetryRules& rules) {
  const int64_t doublings = std::clamp<int64_t>(attempt - 1, 0, 30);
  const double longest = std::min(double(rules.first_wait_ms) * double(int64_t(1) << doublings),
                                  double(rules.wait_ms_max));
  const double unit = double(fixed_hash(call_key, uint64_t(attempt)) >> 11) * 0x1p-53;  // [0, 1)
  return int64_t(longest * unit);
}

RetryBudget::RetryBudget(Rules rules, int64_t now_ms)
    : rules_(rules), tokens_(rules.burst), counted_at_ms_(now_ms) {}

double RetryBudget::tokens_at(int64_t now_ms) const {
  const double trickled = double(now_ms - counted_at_ms_) / 1000 * rules_.per_second;
  return std::min(tokens_ + trickled, rules_.burst);
}

void RetryBudget::spend(int64_t now_ms) {
  tokens_ = tokens_at(now_ms) - 1;
  counted_at_ms_ = now_ms;
}

void RetryBudget::earn(double tokens, int64_t now_ms) {
  tokens_ = std::min(tokens_at(now_ms) + tokens, rules_.burst);
  counted_at_ms_ = now_ms;
}

void RetryBudget::refund(int64_t now_ms) { earn(1, now_ms); }
void RetryBudget::succeeded(int64_t now_ms) { earn(rules_.per_success, now_ms); }

int64_t RetryBudget::token_at_ms(int64_t now_ms) const {
  const double missing = 1 - tokens_at(now_ms);
  if (missing <= 0) return now_ms;
  constexpr double kNever = 1e12;  // without a trickle
  // One more, so that rounding cannot wake somebody a hair too early.
  return now_ms + int64_t(std::min(std::ceil(missing / rules_.per_second * 1000), kNever)) + 1;
}

}  // namespace pipeline
