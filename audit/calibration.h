#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/statistics.h"

namespace audit {

// What "accepted" has been worth on proofs that humans have marked too: for every rule of
// acceptance that the data can decide, how often it was right and how often it was wrong.

struct GradedProof {
  std::string id;
  std::string source;               // the file
  std::size_t votes = 0;            // 0: not known
  double mean = 0;                  // of the votes, 0 to 1
  std::vector<double> scores = {};  // of each vote, if known
  double human = 0;                 // fraction of the maximum
};

enum class RuleKind {
  Unanimous,  // mean == 1 exactly: every vote passed
  Mean,       // mean >= threshold
  Majority,   // more than half of the votes are 1; needs the single votes
  Median,     // the lower median vote is 1; likewise
};

// How a rule did on some proofs. accepted = accepted_right + false_accepts.
struct Outcome {
  std::size_t proofs = 0;
  std::size_t right = 0;  // human >= right_threshold
  std::size_t accepted = 0;
  std::size_t accepted_right = 0;
  std::size_t false_accepts = 0;
  std::size_t refused_right = 0;
  std::optional<double> precision;  // accepted_right / accepted
  std::optional<Interval> precision_interval;
  std::optional<double> false_accept_rate;             // false_accepts / proofs that are not right
  std::optional<Interval> false_accept_rate_interval;  // intervals are Wilson's
};
Outcome outcome_of(std::size_t proofs, std::size_t right, std::size_t accepted,
                   std::size_t accepted_right);

struct RuleOutcome {
  RuleKind kind = RuleKind::Unanimous;
  double threshold = 1;  // of Mean
  Outcome total;
  std::vector<Outcome> by_source;  // in the order of Calibration::sources
};
std::string name_of(const RuleOutcome& rule);  // "unanimous", "mean>=0.9375", ...

struct CalibrationSource {
  std::string name;
  std::string sha256;  // of the file's bytes
  std::size_t proofs = 0;
  std::optional<double> pearson = {}, mean_absolute_error = {};  // of mean against human
};

struct Calibration {
  double right_threshold = 0.85;
  std::vector<CalibrationSource> sources;
  std::optional<double> pearson, mean_absolute_error;
  std::vector<RuleOutcome> rules;  // the strictest first
};

inline constexpr std::size_t kThresholdsMax = 1'000;  // more are thinned out evenly

// `sources` gives names and hashes; the counts are filled in. The thresholds of Mean are the means
// that occur. REQUIRES: each proof's source is one of them; fractions within 0 to 1.
Calibration fit_calibration(const std::vector<GradedProof>& proofs,
                            std::vector<CalibrationSource> sources, double right_threshold = 0.85);

// Of the rules that reach the precision (the observed share; its interval is there to be shown),
// the one that accepts the most right proofs, then the one with fewer false accepts, then the
// stricter. Nothing if none reaches it.
const RuleOutcome* recommended_rule(const Calibration& calibration, double precision);
const RuleOutcome* find_rule(const Calibration& calibration, std::string_view name);

// The file: one JSON object, "schema": "elenchus.calibration/1". Reading is strict: an unknown or
// missing name, a wrong type, a count that contradicts another one or a share that is not its
// counts' throws formats::FormatError naming the place in the file.
std::string write_calibration(const Calibration& calibration);
Calibration read_calibration(std::string_view json, const std::string& file);

}  // namespace audit
