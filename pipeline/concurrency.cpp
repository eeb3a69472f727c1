#include "pipeline/concurrency.h"

#include <algorithm>

namespace pipeline {

ConcurrencyLimit::ConcurrencyLimit(Range range) : range_(range), limit_(double(range.start)) {}

void ConcurrencyLimit::taken() {
  // A limit that is not used says nothing about what the endpoint could bear.
  if (2 * in_flight_ < limit()) return;
  limit_ += ever_overloaded_ ? 1.0 / limit_ : 1.0;
  limit_ = std::min(limit_, double(range_.most));
}

void ConcurrencyLimit::overloaded(int64_t sent_ms, int64_t now_ms) {
  if (sent_ms <= halved_at_ms_) return;
  halved_at_ms_ = now_ms;
  ever_overloaded_ = true;
  limit_ = std::max(limit_ / 2, double(range_.least));
}

}  // namespace pipeline
