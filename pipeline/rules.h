#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prompts/verdict.h"

namespace pipeline {

// The rules that turn stored votes into decisions. Each is a pure function of the votes and of a
// few numbers, so that an audit can run any of them again, or another one, years later (I3).

enum class VoteOutcome { Parsed, Unparsed, Failed };
std::string_view to_text(VoteOutcome outcome);
std::optional<VoteOutcome> vote_outcome_of(std::string_view text);

struct MetaVote {
  VoteOutcome outcome = VoteOutcome::Failed;
  bool upheld = false;       // at least one issue is real and the score follows from the real ones
  std::vector<bool> real{};  // issue by issue; empty unless parsed
};

struct Vote {
  int64_t index = 0;
  std::string call_key{};  // of the answer that counts: the last one asked
  VoteOutcome outcome = VoteOutcome::Failed;
  prompts::Score score = prompts::Score::Zero;  // meaningless unless parsed
  bool echo = false;  // copies the proof's evaluation of itself: struck by code
  std::size_t issues = 0;
  std::vector<MetaVote> meta{};
};

// What became of a vote that was parsed. `Open`: negative, and its meta-votes did not come back
// or balance each other. It is counted by no rule, and as long as it stands nothing is accepted.
enum class Standing { Positive, Upheld, Struck, Open };
Standing standing_of(const Vote& vote, int64_t meta_requested);

// The issues of a vote that a majority of its meta-votes holds real; all of them if none was
// asked. A tie keeps the issue: dropping criticism needs a majority.
std::vector<bool> real_issues(const Vote& vote);

struct VotePlan {
  int64_t votes = 8;          // n: planned
  int64_t quorum = 6;         // q: counted votes without which nothing is decided
  int64_t meta = 3;           // m: meta-votes for each negative vote
  int64_t label_support = 1;  // k: upheld votes of the lowest score that `label` needs
  double mean_threshold = 1;  // `mean` accepts from here
};

// The four numbers that are printed with every decision, and what follows from them.
struct Tally {
  int64_t planned = 0;
  int64_t requested = 0;  // fewer than planned: stopped early
  int64_t returned = 0;   // answered in any form
  int64_t parsed = 0;
  int64_t struck = 0;
  int64_t open = 0;
  int64_t counted = 0;  // positive and upheld
  int64_t positive = 0;
  std::array<int64_t, 3> upheld{};  // counted votes by score in halves; [2] counts the positive
  int64_t halves = 0;               // sum over counted votes: 2 * counted is a full score
  bool complete() const { return requested == planned; }
  double mean() const { return counted == 0 ? 0 : double(halves) / (2.0 * double(counted)); }
};
Tally tally(const std::vector<Vote>& votes, const VotePlan& plan);

enum class Rule { Unanimous, Label, Mean, Majority, Min, Median };
inline constexpr std::array kRules{Rule::Unanimous, Rule::Label, Rule::Mean,
                                   Rule::Majority,  Rule::Min,   Rule::Median};
inline constexpr int64_t kRulesVersion = 1;  // raised when a rule's meaning changes
std::string_view to_text(Rule rule);
std::optional<Rule> rule_of(std::string_view text);

enum class Outcome { Accepted, Refused, Undecided };
std::string_view to_text(Outcome outcome);
std::optional<Outcome> outcome_of(std::string_view text);

struct Decision {
  Rule rule = Rule::Unanimous;
  Outcome outcome = Outcome::Undecided;
  std::optional<int64_t> score_halves{};  // the score it gives, if it gives one
  std::string reason{};                   // in a few words
};

// unanimous  no open and no negative vote stands, quorum met, complete: accepted
// label      DeepSeekMath-V2, 2.1: the lowest upheld score, if at least k votes uphold it; 1 if no
//            issue stands; else undecided
// mean, min, median, majority   of the counted votes' scores; majority: the score that more than
//            half of them give
// All: below the quorum undecided; a tally that was stopped early accepts nothing, and its quorum
// shrinks in proportion. `Accepted` means score 1 (`mean`: at least the threshold).
Decision decide(Rule rule, const Tally& tally, const VotePlan& plan);

// Whether no answer to the votes that are still missing can change what `rule` decides, or lead
// it to acceptance: the sequential test between two waves of votes.
std::optional<std::string> settled_early(Rule rule, const Tally& tally, const VotePlan& plan);

struct Interval {
  double low = 0;
  double high = 1;
};
// Wilson score interval (1927) of a share at 95 %; [0, 1] for no observation.
Interval wilson(int64_t hits, int64_t total);

}  // namespace pipeline
