#include "audit/calibration.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>
#include <stdexcept>

namespace audit {
namespace {

bool accepts(RuleKind kind, double threshold, const GradedProof& proof) {
  const auto ones = std::size_t(std::ranges::count(proof.scores, 1.0));
  switch (kind) {
    case RuleKind::Unanimous:
      return proof.mean == 1;
    case RuleKind::Mean:
      return proof.mean >= threshold;
    case RuleKind::Majority:
      return 2 * ones > proof.scores.size();
    // The lower median of n is the one of rank (n + 1) / 2; it is 1 if at most that many less one
    // are below.
    case RuleKind::Median:
      return proof.scores.size() - ones < (proof.scores.size() + 1) / 2;
  }
  return false;
}

Outcome judge(RuleKind kind, double threshold, const std::vector<GradedProof>& proofs,
              double right_threshold, const std::function<bool(const GradedProof&)>& among) {
  std::size_t count = 0, right = 0, accepted = 0, accepted_right = 0;
  for (const GradedProof& proof : proofs) {
    if (!among(proof)) continue;
    const bool is_right = proof.human >= right_threshold;
    const bool is_accepted = accepts(kind, threshold, proof);
    ++count;
    right += is_right;
    accepted += is_accepted;
    accepted_right += is_right && is_accepted;
  }
  return outcome_of(count, right, accepted, accepted_right);
}

struct Correlation {
  std::size_t proofs = 0;
  std::optional<double> pearson, mean_absolute_error;
};

Correlation correlate(const std::vector<GradedProof>& proofs, const std::string* source) {
  std::vector<double> means, humans;
  for (const GradedProof& proof : proofs) {
    if (source && proof.source != *source) continue;
    means.push_back(proof.mean);
    humans.push_back(proof.human);
  }
  return {means.size(), pearson(means, humans), mean_absolute_error(means, humans)};
}

// The means below 1 that occur, downwards, so that the stricter rule comes first.
std::vector<double> thresholds_of(const std::vector<GradedProof>& proofs) {
  std::set<double, std::greater<>> distinct;
  for (const GradedProof& proof : proofs)
    if (proof.mean < 1) distinct.insert(proof.mean);
  std::vector<double> thresholds(distinct.begin(), distinct.end());
  if (thresholds.size() <= kThresholdsMax) return thresholds;
  std::vector<double> thinned;
  for (std::size_t i = 0; i < kThresholdsMax; ++i)
    thinned.push_back(thresholds[i * thresholds.size() / kThresholdsMax]);
  return thinned;
}

void check(const std::vector<GradedProof>& proofs, const std::vector<CalibrationSource>& sources) {
  const auto within = [](double x) { return x >= 0 && x <= 1; };
  for (const GradedProof& proof : proofs) {
    const bool known = std::ranges::any_of(
        sources, [&](const CalibrationSource& source) { return source.name == proof.source; });
    if (!known) throw std::logic_error("fit_calibration: a proof of an unknown source");
    if (!within(proof.mean) || !within(proof.human))
      throw std::logic_error("fit_calibration: a fraction is not within 0 to 1");
  }
}

std::string shortest(double value) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  return error == std::errc() ? std::string(digits, end) : "?";
}

}  // namespace

Outcome outcome_of(std::size_t proofs, std::size_t right, std::size_t accepted,
                   std::size_t accepted_right) {
  Outcome outcome;
  outcome.proofs = proofs;
  outcome.right = right;
  outcome.accepted = accepted;
  outcome.accepted_right = accepted_right;
  outcome.false_accepts = accepted - accepted_right;
  outcome.refused_right = right - accepted_right;
  const auto share = [](std::size_t part, std::size_t whole) {
    return whole == 0 ? std::nullopt : std::optional(double(part) / double(whole));
  };
  outcome.precision = share(accepted_right, accepted);
  outcome.precision_interval = wilson(accepted_right, accepted);
  outcome.false_accept_rate = share(outcome.false_accepts, proofs - right);
  outcome.false_accept_rate_interval = wilson(outcome.false_accepts, proofs - right);
  return outcome;
}

std::string name_of(const RuleOutcome& rule) {
  switch (rule.kind) {
    case RuleKind::Unanimous:
      return "unanimous";
    case RuleKind::Mean:
      return "mean>=" + shortest(rule.threshold);
    case RuleKind::Majority:
      return "majority";
    case RuleKind::Median:
      return "median";
  }
  return "?";
}

Calibration fit_calibration(const std::vector<GradedProof>& proofs,
                            std::vector<CalibrationSource> sources, double right_threshold) {
  check(proofs, sources);
  Calibration calibration;
  calibration.right_threshold = right_threshold;
  const Correlation all = correlate(proofs, nullptr);
  calibration.pearson = all.pearson;
  calibration.mean_absolute_error = all.mean_absolute_error;
  for (CalibrationSource& source : sources) {
    const Correlation own = correlate(proofs, &source.name);
    source.proofs = own.proofs;
    source.pearson = own.pearson;
    source.mean_absolute_error = own.mean_absolute_error;
  }
  calibration.sources = std::move(sources);

  const auto add = [&](RuleKind kind, double threshold) {
    RuleOutcome rule{.kind = kind, .threshold = threshold, .total = {}, .by_source = {}};
    rule.total =
        judge(kind, threshold, proofs, right_threshold, [](const GradedProof&) { return true; });
    for (const CalibrationSource& source : calibration.sources)
      rule.by_source.push_back(
          judge(kind, threshold, proofs, right_threshold,
                [&](const GradedProof& proof) { return proof.source == source.name; }));
    calibration.rules.push_back(std::move(rule));
  };
  add(RuleKind::Unanimous, 1);
  for (const double threshold : thresholds_of(proofs)) add(RuleKind::Mean, threshold);
  const bool votes_known =
      !proofs.empty() &&
      std::ranges::none_of(proofs, [](const GradedProof& proof) { return proof.scores.empty(); });
  if (votes_known) {
    add(RuleKind::Majority, 1);
    add(RuleKind::Median, 1);
  }
  return calibration;
}

const RuleOutcome* recommended_rule(const Calibration& calibration, double precision) {
  const RuleOutcome* best = nullptr;
  for (const RuleOutcome& rule : calibration.rules) {
    const Outcome& outcome = rule.total;
    if (!outcome.precision || *outcome.precision < precision) continue;
    const bool better = !best || outcome.accepted_right > best->total.accepted_right ||
                        (outcome.accepted_right == best->total.accepted_right &&
                         outcome.false_accepts < best->total.false_accepts);
    if (better) best = &rule;
  }
  return best;
}

const RuleOutcome* find_rule(const Calibration& calibration, std::string_view name) {
  for (const RuleOutcome& rule : calibration.rules)
    if (name_of(rule) == name) return &rule;
  return nullptr;
}

}  // namespace audit
