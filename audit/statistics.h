#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace audit {

// The few statistics that grading and calibration need. All are pure functions; sums run in the
// order of their arguments. "Nothing" means that the data do not define the figure (no pair, no
// variation): never a 0 or a nan in its place.

struct Interval {
  double low = 0;
  double high = 0;
};

// The 0.975 quantile of the normal distribution: intervals of 95 %.
inline constexpr double kNormal95 = 1.959963984540054;

// Wilson's score interval (1927) for a share of `successes` in `trials`.
// Nothing for no trials. REQUIRES: successes <= trials.
std::optional<Interval> wilson(std::size_t successes, std::size_t trials, double z = kNormal95);

// REQUIRES for all that take two spans: equal sizes. Predictions first, humans second.
std::optional<double> pearson(std::span<const double> x, std::span<const double> y);

// Kendall's tau-b, which corrects for ties; Knight's algorithm, O(n log n).
std::optional<double> kendall_tau_b(std::span<const double> x, std::span<const double> y);

std::optional<double> mean_absolute_error(std::span<const double> x, std::span<const double> y);

// counts[i][j]: how many x fall into category i while their y falls into j.
// REQUIRES: all entries < categories.
using ConfusionMatrix = std::vector<std::vector<std::size_t>>;
ConfusionMatrix confusion_matrix(std::span<const std::size_t> x, std::span<const std::size_t> y,
                                 std::size_t categories);

// The share on the diagonal.
std::optional<double> agreement_share(const ConfusionMatrix& counts);

// Cohen's weighted kappa (1968): 1 - sum(w o) / sum(w e), with disagreement weights w = |i - j| or
// (i - j)^2. Nothing if the margins leave no disagreement to expect.
enum class KappaWeights { Linear, Quadratic };
std::optional<double> weighted_kappa(const ConfusionMatrix& counts, KappaWeights weights);

// Percentile bootstrap (Efron 1979). Draw k of resample r is a pure function of (seed, r, k), so
// the interval is the same on every machine and whatever else was drawn before.
struct BootstrapOptions {
  std::size_t resamples = 2'000;
  uint64_t seed = 1;
  double level = 0.95;
};
inline constexpr std::size_t kResamplesMax = 100'000;

// `statistic` gets `size` indices below `size`, drawn with replacement. Resamples on which it is
// not defined are left out; nothing if they are more than half, or if size is 0.
// REQUIRES: 1 <= resamples <= kResamplesMax, 0 < level < 1.
using Statistic = std::function<std::optional<double>(std::span<const std::size_t> indices)>;
std::optional<Interval> bootstrap(std::size_t size, const Statistic& statistic,
                                  const BootstrapOptions& options = {});

}  // namespace audit
