#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/statistics.h"

namespace audit {

// How far a grader agrees with humans, on everything that has a mark of both.

struct GradedPair {
  std::string id;
  double predicted = 0;  // both as fractions of the maximum, 0 to 1
  double human = 0;
};

struct AgreementOptions {
  // What a pair must reach to count as right, in the binarised agreement: 6 of 7 marks do, 5 do
  // not.
  double right_threshold = 0.85;
  // The categories of exact agreement, kappa and confusion matrix; a fraction belongs to the
  // nearest one, to the upper of two that are equally near. Ascending, at least one.
  std::vector<double> bins = {0, 0.5, 1};
  BootstrapOptions bootstrap = {};
};

struct Figure {
  std::optional<double> value;
  std::optional<Interval> interval;  // bootstrap over pairs
};

struct Agreement {
  std::size_t pairs = 0;
  Figure exact;      // share in the same bin
  Figure binarised;  // share on the same side of the threshold
  Figure mean_absolute_error;
  Figure pearson;
  Figure kendall;
  Figure kappa_linear;
  Figure kappa_quadratic;
  std::vector<double> bins;
  ConfusionMatrix confusion;          // [predicted bin][human bin]
  std::vector<std::string> farthest;  // ids, the largest difference first, at most kFarthestMax
};

inline constexpr std::size_t kFarthestMax = 20;

// REQUIRES: fractions within 0 to 1, bins as said.
Agreement measure_agreement(const std::vector<GradedPair>& pairs,
                            const AgreementOptions& options = {});

}  // namespace audit
