#include "pipeline/rules.h"

#include <algorithm>
#include <cmath>

namespace pipeline {
namespace {

using prompts::Score;

template <class E, std::size_t N>
std::optional<E> find_text(const std::array<E, N>& all, std::string_view text) {
  for (const E value : all)
    if (to_text(value) == text) return value;
  return std::nullopt;
}

// Scores of the counted votes in ascending order, as how many there are of each.
int64_t nth_score(const Tally& t, int64_t n) {
  for (int64_t halves = 0; halves < 3; ++halves) {
    n -= t.upheld[static_cast<std::size_t>(halves)];
    if (n < 0) return halves;
  }
  return 2;
}

int64_t lowest(const Tally& t) { return nth_score(t, 0); }

int64_t quorum_of(const Tally& t, const VotePlan& plan) {
  if (t.complete() || plan.votes == 0) return plan.quorum;
  return (plan.quorum * t.requested + plan.votes - 1) / plan.votes;
}

Decision of_score(Rule rule, const Tally& t, int64_t halves, std::string reason) {
  Decision decision{.rule = rule, .score_halves = halves, .reason = std::move(reason)};
  decision.outcome = halves == 2 ? Outcome::Accepted : Outcome::Refused;
  if (decision.outcome == Outcome::Accepted && !t.complete()) {
    decision.outcome = Outcome::Undecided;
    decision.reason = "stopped early: a partial tally accepts nothing";
  }
  return decision;
}

Decision undecided(Rule rule, std::string reason) {
  return {
      .rule = rule, .outcome = Outcome::Undecided, .score_halves = {}, .reason = std::move(reason)};
}

Decision decide_unanimous(const Tally& t) {
  if (t.counted > t.positive)
    return of_score(Rule::Unanimous, t, lowest(t), "a negative vote was upheld");
  if (t.open > 0) return undecided(Rule::Unanimous, "a negative vote is neither upheld nor struck");
  return of_score(Rule::Unanimous, t, 2, "every counted vote is 1");
}

Decision decide_label(const Tally& t, const VotePlan& plan) {
  if (t.counted == t.positive && t.open == 0) return of_score(Rule::Label, t, 2, "no issue stands");
  if (t.counted == t.positive)
    return undecided(Rule::Label, "a negative vote is neither upheld nor struck");
  const int64_t halves = lowest(t);
  if (t.upheld[static_cast<std::size_t>(halves)] >= plan.label_support)
    return of_score(Rule::Label, t, halves, "the lowest upheld score has enough support");
  return undecided(Rule::Label, "too few votes uphold the lowest score");
}

Decision decide_mean(const Tally& t, const VotePlan& plan) {
  // Compared without rounding where the threshold is 1: halves == 2 * counted.
  const bool reached =
      plan.mean_threshold >= 1 ? t.halves == 2 * t.counted : t.mean() >= plan.mean_threshold;
  const auto nearest = static_cast<int64_t>(std::lround(2 * t.mean()));
  Decision decision =
      of_score(Rule::Mean, t, reached ? 2 : std::min<int64_t>(nearest, 1),
               reached ? "the mean reaches the threshold" : "the mean is below the threshold");
  return decision;
}

Decision decide_majority(const Tally& t) {
  for (int64_t halves = 0; halves < 3; ++halves)
    if (2 * t.upheld[static_cast<std::size_t>(halves)] > t.counted)
      return of_score(Rule::Majority, t, halves, "more than half of the votes give this score");
  return undecided(Rule::Majority, "no score has more than half of the votes");
}

}  // namespace

std::string_view to_text(VoteOutcome outcome) {
  switch (outcome) {
    case VoteOutcome::Parsed:
      return "parsed";
    case VoteOutcome::Unparsed:
      return "unparsed";
    case VoteOutcome::Failed:
      return "failed";
  }
  return "failed";
}

std::optional<VoteOutcome> vote_outcome_of(std::string_view text) {
  return find_text(std::array{VoteOutcome::Parsed, VoteOutcome::Unparsed, VoteOutcome::Failed},
                   text);
}

std::string_view to_text(Rule rule) {
  switch (rule) {
    case Rule::Unanimous:
      return "unanimous";
    case Rule::Label:
      return "label";
    case Rule::Mean:
      return "mean";
    case Rule::Majority:
      return "majority";
    case Rule::Min:
      return "min";
    case Rule::Median:
      return "median";
  }
  return "unanimous";
}

std::optional<Rule> rule_of(std::string_view text) { return find_text(kRules, text); }

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::Accepted:
      return "accepted";
    case Outcome::Refused:
      return "refused";
    case Outcome::Undecided:
      return "undecided";
  }
  return "undecided";
}

std::optional<Outcome> outcome_of(std::string_view text) {
  return find_text(std::array{Outcome::Accepted, Outcome::Refused, Outcome::Undecided}, text);
}

Standing standing_of(const Vote& vote, int64_t meta_requested) {
  if (vote.echo) return Standing::Struck;
  if (vote.score == Score::One) return Standing::Positive;
  if (meta_requested == 0) return Standing::Upheld;
  int64_t upheld = 0;
  int64_t struck = 0;
  for (const MetaVote& meta : vote.meta)
    if (meta.outcome == VoteOutcome::Parsed) ++(meta.upheld ? upheld : struck);
  if (upheld > struck) return Standing::Upheld;
  if (struck > upheld) return Standing::Struck;
  return Standing::Open;
}

std::vector<bool> real_issues(const Vote& vote) {
  std::vector<bool> real(vote.issues, true);
  for (std::size_t i = 0; i < real.size(); ++i) {
    int64_t balance = 0;
    for (const MetaVote& meta : vote.meta)
      if (meta.outcome == VoteOutcome::Parsed && i < meta.real.size())
        balance += meta.real[i] ? 1 : -1;
    real[i] = balance >= 0;
  }
  return real;
}

Tally tally(const std::vector<Vote>& votes, const VotePlan& plan) {
  Tally t;
  t.planned = plan.votes;
  for (const Vote& vote : votes) {
    ++t.requested;
    if (vote.outcome == VoteOutcome::Failed) continue;
    ++t.returned;
    if (vote.outcome == VoteOutcome::Unparsed) continue;
    ++t.parsed;
    switch (standing_of(vote, plan.meta)) {
      case Standing::Struck:
        ++t.struck;
        break;
      case Standing::Open:
        ++t.open;
        break;
      case Standing::Positive:
        ++t.positive;
        [[fallthrough]];
      case Standing::Upheld:
        ++t.counted;
        t.halves += prompts::halves(vote.score);
        ++t.upheld[static_cast<std::size_t>(prompts::halves(vote.score))];
        break;
    }
  }
  return t;
}

Decision decide(Rule rule, const Tally& t, const VotePlan& plan) {
  if (t.counted == 0) return undecided(rule, "no vote counts");
  if (t.counted < quorum_of(t, plan)) return undecided(rule, "below the quorum");
  switch (rule) {
    case Rule::Unanimous:
      return decide_unanimous(t);
    case Rule::Label:
      return decide_label(t, plan);
    case Rule::Mean:
      return decide_mean(t, plan);
    case Rule::Majority:
      return decide_majority(t);
    case Rule::Min:
      return of_score(rule, t, lowest(t), "the lowest counted vote");
    case Rule::Median:
      // The lower of the two middle ones: of equal evidence the stricter half decides.
      return of_score(rule, t, nth_score(t, (t.counted - 1) / 2), "the median of the votes");
  }
  return undecided(rule, "unknown rule");
}

std::optional<std::string> settled_early(Rule rule, const Tally& t, const VotePlan& plan) {
  if (t.complete() || t.counted < quorum_of(t, plan)) return std::nullopt;
  const int64_t missing = t.planned - t.requested;
  const int64_t negative = t.counted - t.positive;
  switch (rule) {
    case Rule::Unanimous:
    case Rule::Min:
      if (negative > 0) return "a negative vote was upheld: it cannot be accepted any more";
      break;
    case Rule::Label:
      if (t.upheld[0] >= plan.label_support)
        return "score 0 has enough support: no later vote is lower";
      break;
    case Rule::Mean: {
      const double best = double(t.halves + 2 * missing) / (2.0 * double(t.counted + missing));
      if (best < plan.mean_threshold) return "the mean cannot reach the threshold any more";
      break;
    }
    case Rule::Majority:
    case Rule::Median:
      if (2 * negative > t.planned) return "more than half of all votes are negative";
      break;
  }
  return std::nullopt;
}

Interval wilson(int64_t hits, int64_t total) {
  if (total <= 0) return {};
  constexpr double z = 1.959963984540054;  // the 97.5 % point of the normal distribution
  const double n = double(total);
  const double p = double(hits) / n;
  const double centre = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {std::max(0.0, (centre - half) / scale), std::min(1.0, (centre + half) / scale)};
}

}  // namespace pipeline
