#include "kernels/top_k.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

// The definition: a stable sort, so that of equal scores the lower index comes first.

void cpu::top_k(const TopK& args) {
  const auto& [score, visible, k, selected, found] = args;
  std::vector<int32_t> order;
  for (int64_t t = 0; t < score.extent[0]; ++t) {
    assert(0 <= visible(t) && visible(t) <= score.extent[1]);
    if (visible(t) == 0) continue;
    const float* row = score.data + t * score.extent[1];
    if (std::any_of(row, row + visible(t), [](float s) { return std::isnan(s); })) {
      found(t) = -1;
      continue;
    }
    order.resize(visible(t));
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](int32_t i, int32_t j) { return row[i] > row[j]; });
    found(t) = std::min(k, visible(t));
    std::sort(order.begin(), order.begin() + found(t));
    for (int32_t j = 0; j < found(t); ++j) selected(t, j) = order[j];
  }
}
