#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "audit/calibration.h"
#include "audit/strict_object.h"

// {"schema": "elenchus.calibration/1", "right_threshold": 0.85, "proofs": 84,
//  "pearson": 0.70, "mean_absolute_error": 0.11,
//  "sources": [{"name", "sha256", "proofs", "pearson", "mean_absolute_error"}],
//  "rules": [{"rule": "mean>=0.9375", "total": OUTCOME, "by_source": [OUTCOME, ...]}]}
// OUTCOME has the names of audit::Outcome; an interval is [low, high]. What is not defined is null.
// The name of a rule says all of it, so that kind and threshold cannot contradict it.

namespace audit {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kSchema = "elenchus.calibration/1";
constexpr double kRounding = 1e-9;  // shares are written with all their digits
constexpr std::size_t kListMax = 100'000;

ordered_json json_of(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json json_of(const std::optional<Interval>& interval) {
  return interval ? ordered_json{interval->low, interval->high} : ordered_json(nullptr);
}

ordered_json json_of(const Outcome& outcome) {
  return ordered_json{{"proofs", outcome.proofs},
                      {"right", outcome.right},
                      {"accepted", outcome.accepted},
                      {"accepted_right", outcome.accepted_right},
                      {"false_accepts", outcome.false_accepts},
                      {"refused_right", outcome.refused_right},
                      {"precision", json_of(outcome.precision)},
                      {"precision_interval", json_of(outcome.precision_interval)},
                      {"false_accept_rate", json_of(outcome.false_accept_rate)},
                      {"false_accept_rate_interval", json_of(outcome.false_accept_rate_interval)}};
}

void expect_count(StrictObject& object, std::string_view name, std::size_t expected) {
  if (object.count(name) != expected)
    object.fail(name, "contradicts the other counts: it has to be " + std::to_string(expected));
}

void expect_share(StrictObject& object, std::string_view name,
                  const std::optional<double>& expected) {
  const std::optional<double> share = object.optional_number(name);
  if (share.has_value() != expected.has_value() ||
      (share && std::abs(*share - *expected) > kRounding))
    object.fail(name, "is not what its counts give");
}

void expect_interval(StrictObject& object, std::string_view name,
                     const std::optional<Interval>& expected) {
  const auto bounds = object.optional_list(name);
  if (bounds.has_value() != expected.has_value()) object.fail(name, "is not what its counts give");
  if (!bounds) return;
  if (bounds->size() != 2) object.fail(name, "is not [low, high]");
  const double wanted[] = {expected->low, expected->high};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string& text = (*bounds)[i].text;
    double bound = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
    if (error != std::errc() || end != text.data() + text.size() ||
        !(std::abs(bound - wanted[i]) <= kRounding))
      object.fail(name, "is not what its counts give");
  }
}

// Everything else is computed from four counts, and must be what stands there.
Outcome read_outcome(StrictObject object) {
  const std::size_t proofs = object.count("proofs");
  const std::size_t right = object.count("right");
  const std::size_t accepted = object.count("accepted");
  const std::size_t accepted_right = object.count("accepted_right");
  if (right > proofs || accepted > proofs || accepted_right > right || accepted_right > accepted ||
      accepted - accepted_right > proofs - right)
    object.fail("accepted_right", "contradicts the other counts");
  const Outcome outcome = outcome_of(proofs, right, accepted, accepted_right);
  expect_count(object, "false_accepts", outcome.false_accepts);
  expect_count(object, "refused_right", outcome.refused_right);
  expect_share(object, "precision", outcome.precision);
  expect_interval(object, "precision_interval", outcome.precision_interval);
  expect_share(object, "false_accept_rate", outcome.false_accept_rate);
  expect_interval(object, "false_accept_rate_interval", outcome.false_accept_rate_interval);
  object.finish();
  return outcome;
}

double read_share(StrictObject& object, std::string_view name) {
  const double share = object.number(name);
  if (share < 0 || share > 1) object.fail(name, "is not within 0 to 1");
  return share;
}

CalibrationSource read_source(StrictObject object) {
  CalibrationSource source;
  source.name = object.text("name");
  source.sha256 = object.text("sha256");
  const bool is_hash = source.sha256.size() == 64 &&
                       source.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_hash) object.fail("sha256", "is not 64 hexadecimal digits");
  source.proofs = object.count("proofs");
  source.pearson = object.optional_number("pearson");
  source.mean_absolute_error = object.optional_number("mean_absolute_error");
  object.finish();
  return source;
}

RuleOutcome read_rule(StrictObject object, const std::vector<CalibrationSource>& sources) {
  RuleOutcome rule;
  const std::string name = object.text("rule");
  if (name == "majority") rule.kind = RuleKind::Majority;
  if (name == "median") rule.kind = RuleKind::Median;
  constexpr std::string_view mean = "mean>=";
  if (name.starts_with(mean)) {
    rule.kind = RuleKind::Mean;
    std::from_chars(name.data() + mean.size(), name.data() + name.size(), rule.threshold);
  }
  // Whatever is not exactly the name that its own reading has is none of ours.
  if (name_of(rule) != name || !(rule.threshold >= 0 && rule.threshold <= 1))
    object.fail("rule", "is no rule of this version");

  rule.total = read_outcome(object.object("total"));
  Outcome sum;
  for (const formats::Value& value : object.list("by_source")) {
    const std::string where =
        object.where() + ".by_source." + std::to_string(rule.by_source.size());
    if (rule.by_source.size() == sources.size()) object.fail("by_source", "is longer than sources");
    const Outcome outcome = read_outcome(StrictObject(value, where));
    if (outcome.proofs != sources[rule.by_source.size()].proofs)
      object.fail("by_source", "contradicts the source's number of proofs");
    sum = outcome_of(sum.proofs + outcome.proofs, sum.right + outcome.right,
                     sum.accepted + outcome.accepted, sum.accepted_right + outcome.accepted_right);
    rule.by_source.push_back(outcome);
  }
  if (rule.by_source.size() != sources.size()) object.fail("by_source", "is shorter than sources");
  if (sum.proofs != rule.total.proofs || sum.right != rule.total.right ||
      sum.accepted != rule.total.accepted || sum.accepted_right != rule.total.accepted_right)
    object.fail("by_source", "does not add up to the total");
  object.finish();
  return rule;
}

}  // namespace

std::string write_calibration(const Calibration& calibration) {
  ordered_json sources = ordered_json::array();
  std::size_t proofs = 0;
  for (const CalibrationSource& source : calibration.sources) {
    proofs += source.proofs;
    sources.push_back({{"name", source.name},
                       {"sha256", source.sha256},
                       {"proofs", source.proofs},
                       {"pearson", json_of(source.pearson)},
                       {"mean_absolute_error", json_of(source.mean_absolute_error)}});
  }
  ordered_json rules = ordered_json::array();
  for (const RuleOutcome& rule : calibration.rules) {
    ordered_json by_source = ordered_json::array();
    for (const Outcome& outcome : rule.by_source) by_source.push_back(json_of(outcome));
    rules.push_back({{"rule", name_of(rule)},
                     {"total", json_of(rule.total)},
                     {"by_source", std::move(by_source)}});
  }
  const ordered_json file{{"schema", kSchema},
                          {"right_threshold", calibration.right_threshold},
                          {"proofs", proofs},
                          {"pearson", json_of(calibration.pearson)},
                          {"mean_absolute_error", json_of(calibration.mean_absolute_error)},
                          {"sources", std::move(sources)},
                          {"rules", std::move(rules)}};
  return file.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Calibration read_calibration(std::string_view bytes, const std::string& file) {
  if (const auto fault = formats::find_json_fault(bytes))
    throw formats::FormatError(file + ": byte " + std::to_string(fault->offset + 1) + ": " +
                               fault->reason);
  StrictObject object(formats::json_value(bytes), file);
  if (object.text("schema") != kSchema)
    object.fail("schema", "is not \"" + std::string(kSchema) + "\"; fit it anew with calibrate");
  Calibration calibration;
  calibration.right_threshold = read_share(object, "right_threshold");
  const std::size_t proofs = object.count("proofs");
  calibration.pearson = object.optional_number("pearson");
  calibration.mean_absolute_error = object.optional_number("mean_absolute_error");

  std::size_t sum = 0;
  for (const formats::Value& value : object.list("sources")) {
    if (calibration.sources.size() == kListMax) object.fail("sources", "is too long");
    const std::string where = file + ": sources." + std::to_string(calibration.sources.size());
    calibration.sources.push_back(read_source(StrictObject(value, where)));
    sum += calibration.sources.back().proofs;
  }
  if (sum != proofs) object.fail("proofs", "is not the sum over the sources");
  for (const formats::Value& value : object.list("rules")) {
    if (calibration.rules.size() == kListMax) object.fail("rules", "is too long");
    const std::string where = file + ": rules." + std::to_string(calibration.rules.size());
    RuleOutcome rule = read_rule(StrictObject(value, where), calibration.sources);
    if (find_rule(calibration, name_of(rule)))
      object.fail("rules", "has the rule \"" + name_of(rule) + "\" twice");
    calibration.rules.push_back(std::move(rule));
  }
  object.finish();
  return calibration;
}

}  // namespace audit
