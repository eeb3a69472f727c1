#include "training/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace training {

void Progress::mark(int64_t now_ms, int64_t tokens) {
  marks_.push_back({now_ms, tokens});
  if (marks_.size() > kWindow) marks_.pop_front();
}

std::optional<double> Progress::tokens_per_second() const {
  if (marks_.empty() || marks_.back().ms <= marks_.front().ms) return std::nullopt;
  const Mark &first = marks_.front(), &last = marks_.back();
  return 1000.0 * double(last.tokens - first.tokens) / double(last.ms - first.ms);
}

std::optional<int64_t> Progress::remaining_ms(int64_t tokens_end) const {
  constexpr double kMost = 1e15;  // thirty thousand years: no pace worth a number
  if (!marks_.empty() && marks_.back().tokens >= tokens_end) return 0;
  const std::optional<double> pace = tokens_per_second();
  if (!pace || *pace <= 0) return std::nullopt;
  const double ms = 1000.0 * double(tokens_end - marks_.back().tokens) / *pace;
  if (ms > kMost) return std::nullopt;
  return int64_t(std::ceil(ms));
}

std::string duration_text(int64_t ms) {
  const int64_t seconds = std::max<int64_t>(0, ms) / 1000;
  const int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (minutes == 0) return fmt::format("{} s", seconds);
  if (hours == 0) return fmt::format("{} min {:02} s", minutes, seconds % 60);
  if (days == 0) return fmt::format("{} h {:02} min", hours, minutes % 60);
  return fmt::format("{} d {:02} h", days, hours % 24);
}

}  // namespace training
