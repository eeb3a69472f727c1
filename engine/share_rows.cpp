#include "engine/share_rows.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace engine {

namespace {

using PerLane = std::array<int64_t, kLanes>;

PerLane lane_shares(PerLane wanted, int64_t rows, int first) {
  PerLane shares{};
  for (;;) {
    const int64_t wanting =
        std::count_if(wanted.begin(), wanted.end(), [](int64_t w) { return w; });
    if (wanting == 0 || rows == 0) return shares;
    const int64_t part = std::max<int64_t>(1, rows / wanting);
    for (int i = 0; i < kLanes; ++i) {
      const std::size_t lane = std::size_t((first + i) % kLanes);
      const int64_t given = std::min({wanted[lane], part, rows});
      wanted[lane] -= given;
      shares[lane] += given;
      rows -= given;
    }
  }
}

}  // namespace

std::vector<int32_t> share_rows(std::span<const Wanting> samples, int32_t rows_max, Lane first) {
  assert(samples.size() <= std::size_t(rows_max));
  PerLane wanted{};
  int64_t left = rows_max;
  for (const Wanting& sample : samples) {
    if (sample.rows == 1)
      --left;
    else
      wanted[std::size_t(sample.lane)] += sample.rows;
  }

  PerLane shares = lane_shares(wanted, left, int(first));
  std::vector<int32_t> rows;
  rows.reserve(samples.size());
  for (const Wanting& sample : samples) {
    if (sample.rows == 1) {
      rows.push_back(1);
      continue;
    }
    int64_t& share = shares[std::size_t(sample.lane)];
    rows.push_back(int32_t(std::min<int64_t>(sample.rows, share)));
    share -= rows.back();
  }
  return rows;
}

}  // namespace engine
