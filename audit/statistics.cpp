#include "audit/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace audit {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

double pairs_of(std::size_t n) { return double(n) * (double(n) - 1) / 2; }

// Sorts `values` and returns how many neighbours had to be swapped: the discordant pairs.
double count_swaps(std::vector<double>& values) {
  std::vector<double> merged(values.size());
  double swaps = 0;
  for (std::size_t width = 1; width < values.size(); width *= 2) {
    for (std::size_t begin = 0; begin < values.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, values.size());
      const std::size_t end = std::min(begin + 2 * width, values.size());
      std::size_t left = begin, right = middle;
      for (std::size_t k = begin; k < end; ++k) {
        if (right == end || (left < middle && values[left] <= values[right])) {
          merged[k] = values[left++];
        } else {
          swaps += double(middle - left);
          merged[k] = values[right++];
        }
      }
    }
    values.swap(merged);
  }
  return swaps;
}

// Pairs that are tied under `same` in a sorted sequence of n.
template <class Same>
double tied_pairs(std::size_t n, Same same) {
  double tied = 0;
  for (std::size_t begin = 0; begin < n;) {
    std::size_t end = begin + 1;
    while (end < n && same(begin, end)) ++end;
    tied += pairs_of(end - begin);
    begin = end;
  }
  return tied;
}

// splitmix64's finaliser: every bit of the input moves half of the output's.
uint64_t mixed(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

// A number below `bound`: the upper half of a product. Its bias, bound / 2^64, is far below what
// any number of resamples shows.
std::size_t below(uint64_t random, std::size_t bound) {
  __extension__ using Wide = unsigned __int128;
  return std::size_t((Wide(random) * bound) >> 64);
}

// Linear between the two nearest ranks.
double quantile(const std::vector<double>& sorted, double share) {
  const double rank = share * double(sorted.size() - 1);
  const std::size_t low = std::size_t(rank);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (rank - double(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

std::optional<Interval> wilson(std::size_t successes, std::size_t trials, double z) {
  require(successes <= trials, "wilson: more successes than trials");
  if (trials == 0) return std::nullopt;
  const double n = double(trials);
  const double p = double(successes) / n;
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // At the ends the formula gives 0 and 1 but for rounding.
  return Interval{successes == 0 ? 0 : std::max(0.0, centre - half),
                  successes == trials ? 1 : std::min(1.0, centre + half)};
}

std::optional<double> pearson(std::span<const double> x, std::span<const double> y) {
  require(x.size() == y.size(), "pearson: sizes differ");
  if (x.size() < 2) return std::nullopt;
  const double n = double(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  // Equal values may differ from their mean in the last bit; that is no variation.
  const auto [x_min, x_max] = std::ranges::minmax(x);
  const auto [y_min, y_max] = std::ranges::minmax(y);
  if (x_min == x_max || y_min == y_max || xx <= 0 || yy <= 0) return std::nullopt;
  return std::clamp(xy / std::sqrt(xx) / std::sqrt(yy), -1.0, 1.0);
}

std::optional<double> kendall_tau_b(std::span<const double> x, std::span<const double> y) {
  require(x.size() == y.size(), "kendall_tau_b: sizes differ");
  const std::size_t n = x.size();
  if (n < 2) return std::nullopt;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return x[a] != x[b] ? x[a] < x[b] : y[a] < y[b];
  });
  const double tied_x =
      tied_pairs(n, [&](std::size_t a, std::size_t b) { return x[order[a]] == x[order[b]]; });
  const double tied_both = tied_pairs(n, [&](std::size_t a, std::size_t b) {
    return x[order[a]] == x[order[b]] && y[order[a]] == y[order[b]];
  });
  std::vector<double> by_x(n);
  for (std::size_t i = 0; i < n; ++i) by_x[i] = y[order[i]];
  const double swaps = count_swaps(by_x);
  const double tied_y =
      tied_pairs(n, [&](std::size_t a, std::size_t b) { return by_x[a] == by_x[b]; });

  const double all = pairs_of(n);
  if (tied_x == all || tied_y == all) return std::nullopt;
  return (all - tied_x - tied_y + tied_both - 2 * swaps) / std::sqrt(all - tied_x) /
         std::sqrt(all - tied_y);
}

std::optional<double> mean_absolute_error(std::span<const double> x, std::span<const double> y) {
  require(x.size() == y.size(), "mean_absolute_error: sizes differ");
  if (x.empty()) return std::nullopt;
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += std::abs(x[i] - y[i]);
  return sum / double(x.size());
}

ConfusionMatrix confusion_matrix(std::span<const std::size_t> x, std::span<const std::size_t> y,
                                 std::size_t categories) {
  require(x.size() == y.size(), "confusion_matrix: sizes differ");
  ConfusionMatrix counts(categories, std::vector<std::size_t>(categories));
  for (std::size_t i = 0; i < x.size(); ++i) {
    require(x[i] < categories && y[i] < categories, "confusion_matrix: no such category");
    ++counts[x[i]][y[i]];
  }
  return counts;
}

std::optional<double> agreement_share(const ConfusionMatrix& counts) {
  std::size_t same = 0, all = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    same += counts[i][i];
    all = std::accumulate(counts[i].begin(), counts[i].end(), all);
  }
  if (all == 0) return std::nullopt;
  return double(same) / double(all);
}

std::optional<double> weighted_kappa(const ConfusionMatrix& counts, KappaWeights weights) {
  const std::size_t k = counts.size();
  std::vector<double> rows(k), columns(k);
  double n = 0;
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j) {
      rows[i] += double(counts[i][j]);
      columns[j] += double(counts[i][j]);
      n += double(counts[i][j]);
    }
  double observed = 0, expected = 0;  // both times n
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j) {
      const double distance = std::abs(double(i) - double(j));
      const double weight = weights == KappaWeights::Linear ? distance : distance * distance;
      observed += weight * double(counts[i][j]);
      expected += weight * rows[i] * columns[j];
    }
  if (n == 0 || expected == 0) return std::nullopt;
  return 1 - observed * n / expected;
}

std::optional<Interval> bootstrap(std::size_t size, const Statistic& statistic,
                                  const BootstrapOptions& options) {
  require(options.resamples >= 1 && options.resamples <= kResamplesMax,
          "bootstrap: resamples out of range");
  require(options.level > 0 && options.level < 1, "bootstrap: level out of range");
  if (size == 0) return std::nullopt;
  std::vector<std::size_t> indices(size);
  std::vector<double> values;
  values.reserve(options.resamples);
  for (std::size_t r = 0; r < options.resamples; ++r) {
    const uint64_t stream = mixed(mixed(options.seed) ^ r);
    for (std::size_t k = 0; k < size; ++k) indices[k] = below(mixed(stream ^ mixed(k)), size);
    if (const std::optional<double> value = statistic(indices)) values.push_back(*value);
  }
  if (2 * values.size() < options.resamples) return std::nullopt;
  std::ranges::sort(values);
  const double tail = (1 - options.level) / 2;
  return Interval{quantile(values, tail), quantile(values, 1 - tail)};
}

}  // namespace audit
