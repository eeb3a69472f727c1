#include "audit/agreement.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace audit {
namespace {

std::size_t bin_of(double fraction, const std::vector<double>& bins) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < bins.size(); ++i)
    if (std::abs(bins[i] - fraction) <= std::abs(bins[best] - fraction)) best = i;
  return best;
}

// The pairs as columns, of which a resample takes some rows.
struct Columns {
  std::vector<double> predicted, human;
  std::vector<std::size_t> predicted_bin, human_bin;
  std::vector<std::size_t> predicted_right, human_right;

  Columns rows(std::span<const std::size_t> indices) const {
    Columns taken;
    const auto pick = [&](const auto& from, auto& to) {
      to.reserve(indices.size());
      for (const std::size_t i : indices) to.push_back(from[i]);
    };
    pick(predicted, taken.predicted);
    pick(human, taken.human);
    pick(predicted_bin, taken.predicted_bin);
    pick(human_bin, taken.human_bin);
    pick(predicted_right, taken.predicted_right);
    pick(human_right, taken.human_right);
    return taken;
  }
};

Columns columns_of(const std::vector<GradedPair>& pairs, const AgreementOptions& options) {
  Columns columns;
  for (const GradedPair& pair : pairs) {
    for (const double fraction : {pair.predicted, pair.human})
      if (!(fraction >= 0 && fraction <= 1))
        throw std::logic_error("measure_agreement: a fraction is not within 0 to 1");
    columns.predicted.push_back(pair.predicted);
    columns.human.push_back(pair.human);
    columns.predicted_bin.push_back(bin_of(pair.predicted, options.bins));
    columns.human_bin.push_back(bin_of(pair.human, options.bins));
    columns.predicted_right.push_back(pair.predicted >= options.right_threshold ? 1 : 0);
    columns.human_right.push_back(pair.human >= options.right_threshold ? 1 : 0);
  }
  return columns;
}

}  // namespace

Agreement measure_agreement(const std::vector<GradedPair>& pairs, const AgreementOptions& options) {
  if (options.bins.empty() || !std::ranges::is_sorted(options.bins))
    throw std::logic_error("measure_agreement: bins are not ascending");
  const Columns columns = columns_of(pairs, options);
  const std::size_t bins = options.bins.size();

  const auto figure = [&](auto compute) {
    return Figure{compute(columns), bootstrap(
                                        pairs.size(),
                                        [&](std::span<const std::size_t> indices) {
                                          return compute(columns.rows(indices));
                                        },
                                        options.bootstrap)};
  };
  const auto kappa = [bins](const Columns& c, KappaWeights weights) {
    return weighted_kappa(confusion_matrix(c.predicted_bin, c.human_bin, bins), weights);
  };

  Agreement agreement;
  agreement.pairs = pairs.size();
  agreement.bins = options.bins;
  agreement.confusion = confusion_matrix(columns.predicted_bin, columns.human_bin, bins);
  agreement.exact = figure([bins](const Columns& c) {
    return agreement_share(confusion_matrix(c.predicted_bin, c.human_bin, bins));
  });
  agreement.binarised = figure([](const Columns& c) {
    return agreement_share(confusion_matrix(c.predicted_right, c.human_right, 2));
  });
  agreement.mean_absolute_error =
      figure([](const Columns& c) { return mean_absolute_error(c.predicted, c.human); });
  agreement.pearson = figure([](const Columns& c) { return pearson(c.predicted, c.human); });
  agreement.kendall = figure([](const Columns& c) { return kendall_tau_b(c.predicted, c.human); });
  agreement.kappa_linear = figure([&](const Columns& c) { return kappa(c, KappaWeights::Linear); });
  agreement.kappa_quadratic =
      figure([&](const Columns& c) { return kappa(c, KappaWeights::Quadratic); });

  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto distance = [&](std::size_t i) {
    return std::abs(pairs[i].predicted - pairs[i].human);
  };
  std::ranges::stable_sort(order, std::greater<>(), distance);
  for (const std::size_t i : order)
    if (agreement.farthest.size() < kFarthestMax && distance(i) > 0)
      agreement.farthest.push_back(pairs[i].id);
  return agreement;
}

}  // namespace audit
