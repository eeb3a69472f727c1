// The checks that count: votes against each other, against the stated figures, and against the
// acceptance that was drawn from them.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <vector>

#include "audit/check_steps.h"
#include "text/words.h"

namespace audit {
namespace {

constexpr double kRounding = 1e-6;  // published means have six digits or more

// What the rules see.
struct Counted {
  std::vector<double> fractions;  // of the counted votes, in their order
  bool open = false;              // a negative vote whose meta-votes decided nothing

  double mean() const {
    double sum = 0;
    for (const double fraction : fractions) sum += fraction;
    return fractions.empty() ? 0 : sum / double(fractions.size());
  }
};

Counted counted_of(const Trace& trace) {
  Counted counted;
  for (const TraceVote& vote : trace.votes) {
    counted.open |= vote.standing == Standing::Open;
    if (vote.fraction && vote.standing == Standing::Counted)
      counted.fractions.push_back(*vote.fraction);
  }
  return counted;
}

std::string digits(double value) {
  char text[32];
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 4);
  return error == std::errc() ? std::string(text, end) : "?";
}

// Why the rule does not accept these votes; nothing if it does, or if it is not one that the votes
// alone decide ("label" also needs who upheld what).
std::optional<std::string> refusal(const Trace& trace, const Counted& counted) {
  std::vector<double> sorted = counted.fractions;
  std::ranges::sort(sorted);
  const bool all_pass = sorted.empty() || sorted.front() == 1;
  if (counted.open && !trace.rule.empty())
    return "a negative vote stands whose meta-votes decided nothing";
  if (trace.rule == "unanimous" || trace.rule == "min")
    return all_pass ? std::nullopt
                    : std::optional<std::string>("a counted vote is " + digits(sorted.front()));
  if (trace.rule == "majority") {
    const auto ones = std::size_t(std::ranges::count(sorted, 1.0));
    if (sorted.empty() || 2 * ones > sorted.size()) return std::nullopt;
    return std::to_string(ones) + " of " + std::to_string(sorted.size()) + " counted votes are 1";
  }
  if (trace.rule == "median") {
    if (sorted.empty() || sorted[(sorted.size() - 1) / 2] == 1) return std::nullopt;
    return "the median is " + digits(sorted[(sorted.size() - 1) / 2]);
  }
  std::optional<double> threshold;
  if (trace.rule == "mean") threshold = trace.rule_threshold.value_or(1);
  constexpr std::string_view mean = "mean>=";
  if (trace.rule.starts_with(mean)) {
    double number = 0;
    const char* end = trace.rule.data() + trace.rule.size();
    const auto [stop, error] = std::from_chars(trace.rule.data() + mean.size(), end, number);
    if (error == std::errc() && stop == end) threshold = number;
  }
  if (!threshold || sorted.empty() || counted.mean() >= *threshold - kRounding) return std::nullopt;
  return "the mean is " + digits(counted.mean()) + ", less than " + digits(*threshold);
}

// Whether one negative report is enough to refuse: so it is with the rule unstated too, since "the
// last report found gaps, and still it was called solved" is what is looked for.
bool every_report_must_pass(const std::string& rule) {
  return rule.empty() || rule == "unanimous" || rule == "min";
}

void check_counts(Findings& findings) {
  const Trace& trace = findings.trace;
  const auto complain = [&](const std::string& sentence) {
    findings.add(FindingKind::WrongCounts, sentence);
  };
  const auto scored = std::size_t(std::ranges::count_if(
      trace.votes, [](const TraceVote& vote) { return vote.fraction.has_value(); }));
  if (trace.parsed && *trace.parsed != scored)
    complain(std::to_string(*trace.parsed) + " votes are said to be read, but " +
             std::to_string(scored) + " have a score");
  if (trace.returned && trace.parsed && *trace.returned < *trace.parsed)
    complain("more votes were read than returned");
  if (trace.requested && trace.returned && *trace.requested < *trace.returned)
    complain("more votes returned than were requested");
}

void check_contradictions(Findings& findings) {
  const Trace& trace = findings.trace;
  std::map<std::string_view, std::size_t> first;  // vote by its report
  for (std::size_t i = 0; i < trace.votes.size(); ++i) {
    const TraceVote& vote = trace.votes[i];
    const std::string_view report = text::trim(vote.text);
    if (report.empty() || !vote.fraction) continue;
    const auto [at, fresh] = first.emplace(report, i);
    if (!fresh && *trace.votes[at->second].fraction != *vote.fraction)
      findings.add_vote(FindingKind::ContradictingVotes, i,
                        "the same report as vote " + std::to_string(at->second + 1) +
                            ", which has the score " + trace.votes[at->second].score + " and not " +
                            vote.score);
  }
}

}  // namespace

void check_votes_together(Findings& findings) {
  const Trace& trace = findings.trace;
  check_contradictions(findings);
  check_counts(findings);
  const Counted counted = counted_of(trace);
  if (trace.mean && !counted.fractions.empty() &&
      !(std::abs(*trace.mean - counted.mean()) <= kRounding))
    findings.add(FindingKind::WrongMean, "the mean is said to be " + digits(*trace.mean) +
                                             ", but that of the " +
                                             std::to_string(counted.fractions.size()) +
                                             " counted votes is " + digits(counted.mean()));
}

void check_acceptance(Findings& findings) {
  const Trace& trace = findings.trace;
  if (!trace.accepted.value_or(false)) return;
  const Counted counted = counted_of(trace);
  if (const std::size_t quorum = trace.quorum.value_or(1); counted.fractions.size() < quorum)
    findings.add(FindingKind::BelowQuorum,
                 "accepted with " + std::to_string(counted.fractions.size()) +
                     " counted votes, but " + std::to_string(quorum) + " are needed");
  if (trace.votes_in_order && every_report_must_pass(trace.rule) && !counted.fractions.empty() &&
      counted.fractions.back() < 1)
    findings.add(FindingKind::NegativeLastReport,
                 "accepted, but the last counted report gives " + digits(counted.fractions.back()));
  if (const auto reason = refusal(trace, counted))
    findings.add(FindingKind::RuleNotMet,
                 "accepted, but under the rule \"" + trace.rule.substr(0, 40) + "\" " + *reason);
}

}  // namespace audit
