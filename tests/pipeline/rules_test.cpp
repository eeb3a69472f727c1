#include "pipeline/rules.h"

#include <doctest/doctest.h>

using namespace pipeline;
using prompts::Score;

namespace {

Vote vote(Score score, std::vector<bool> meta = {}) {
  Vote v{.outcome = VoteOutcome::Parsed, .score = score, .issues = 1};
  for (const bool upheld : meta)
    v.meta.push_back({.outcome = VoteOutcome::Parsed, .upheld = upheld, .real = {upheld}});
  return v;
}

Vote lost(VoteOutcome outcome) { return {.outcome = outcome}; }

std::vector<Vote> many(int count, const Vote& v) {
  return std::vector<Vote>(static_cast<std::size_t>(count), v);
}

Outcome outcome(Rule rule, const std::vector<Vote>& votes, const VotePlan& plan) {
  return decide(rule, tally(votes, plan), plan).outcome;
}

constexpr VotePlan kFour{.votes = 4, .quorum = 3, .meta = 3, .label_support = 1};

}  // namespace

TEST_SUITE("pipeline/rules") {
  TEST_CASE("a negative vote is upheld by a majority of its meta-votes and struck by one") {
    CHECK(standing_of(vote(Score::Zero, {true, true, false}), 3) == Standing::Upheld);
    CHECK(standing_of(vote(Score::Zero, {true, false, false}), 3) == Standing::Struck);
    CHECK(standing_of(vote(Score::One), 3) == Standing::Positive);
  }

  TEST_CASE("a negative vote whose meta-votes balance or are missing stays open") {
    CHECK(standing_of(vote(Score::Zero, {true, false}), 3) == Standing::Open);
    CHECK(standing_of(vote(Score::Zero), 3) == Standing::Open);
  }

  TEST_CASE("without meta-verification every negative vote stands") {
    CHECK(standing_of(vote(Score::Half), 0) == Standing::Upheld);
  }

  TEST_CASE("an echo is struck whatever it says") {
    Vote echo = vote(Score::One);
    echo.echo = true;

    CHECK(standing_of(echo, 3) == Standing::Struck);
  }

  TEST_CASE("requested, returned, parsed and struck are four numbers") {
    std::vector<Vote> votes{vote(Score::One), vote(Score::Zero, {false, false, false}),
                            lost(VoteOutcome::Unparsed), lost(VoteOutcome::Failed)};

    const Tally t = tally(votes, kFour);

    CHECK(t.requested == 4);
    CHECK(t.returned == 3);
    CHECK(t.parsed == 2);
    CHECK(t.struck == 1);
    CHECK(t.counted == 1);
  }

  TEST_CASE("four votes of 1 are accepted by every rule") {
    for (const Rule rule : kRules) {
      CAPTURE(to_text(rule));
      CHECK(outcome(rule, many(4, vote(Score::One)), kFour) == Outcome::Accepted);
    }
  }

  TEST_CASE("one parsed vote of 1 with three lost ones is never accepted") {
    std::vector<Vote> votes = many(3, lost(VoteOutcome::Failed));
    votes.push_back(vote(Score::One));
    for (const Rule rule : kRules) {
      CAPTURE(to_text(rule));
      CHECK(outcome(rule, votes, kFour) == Outcome::Undecided);
    }
  }

  TEST_CASE("a struck negative vote does not stand in the way of acceptance") {
    std::vector<Vote> votes = many(3, vote(Score::One));
    votes.push_back(vote(Score::Zero, {false, false, true}));

    CHECK(outcome(Rule::Unanimous, votes, kFour) == Outcome::Accepted);
  }

  TEST_CASE("an upheld or an open negative vote does") {
    std::vector<Vote> upheld = many(3, vote(Score::One));
    upheld.push_back(vote(Score::Half, {true, true, true}));
    std::vector<Vote> open = many(3, vote(Score::One));
    open.push_back(vote(Score::Half));

    CHECK(outcome(Rule::Unanimous, upheld, kFour) == Outcome::Refused);
    CHECK(outcome(Rule::Unanimous, open, kFour) == Outcome::Undecided);
    CHECK(outcome(Rule::Label, open, kFour) == Outcome::Undecided);
  }

  TEST_CASE("the label is the lowest score with enough support, else undecided") {
    VotePlan plan = kFour;
    plan.label_support = 2;
    std::vector<Vote> one = many(3, vote(Score::One));
    one.push_back(vote(Score::Zero, {true, true, true}));
    std::vector<Vote> two = many(2, vote(Score::One));
    two.push_back(vote(Score::Half, {true, true, true}));
    two.push_back(vote(Score::Half, {true, true, true}));

    CHECK(outcome(Rule::Label, one, plan) == Outcome::Undecided);
    const Decision half = decide(Rule::Label, tally(two, plan), plan);
    CHECK(half.outcome == Outcome::Refused);
    CHECK(half.score_halves == 1);
  }

  TEST_CASE("a mean just below 1 is not 1") {
    VotePlan plan{.votes = 64, .quorum = 48, .meta = 0};
    std::vector<Vote> votes = many(63, vote(Score::One));
    votes.push_back(vote(Score::Half));

    CHECK(outcome(Rule::Mean, votes, plan) == Outcome::Refused);
    plan.mean_threshold = 0.9;
    CHECK(outcome(Rule::Mean, votes, plan) == Outcome::Accepted);
  }

  TEST_CASE("majority, median and minimum differ on the same votes") {
    const VotePlan plan{.votes = 5, .quorum = 4, .meta = 0};
    std::vector<Vote> votes = many(3, vote(Score::One));
    votes.push_back(vote(Score::Zero));
    votes.push_back(vote(Score::Half));

    CHECK(outcome(Rule::Majority, votes, plan) == Outcome::Accepted);
    CHECK(outcome(Rule::Median, votes, plan) == Outcome::Accepted);
    CHECK(decide(Rule::Min, tally(votes, plan), plan).score_halves == 0);
  }

  TEST_CASE("a tally that was stopped early accepts nothing") {
    const VotePlan plan{.votes = 8, .quorum = 6, .meta = 0};
    for (const Rule rule : kRules) {
      CAPTURE(to_text(rule));
      CHECK(outcome(rule, many(4, vote(Score::One)), plan) == Outcome::Undecided);
    }
  }

  TEST_CASE("voting is settled early when acceptance has become impossible, and not before") {
    const VotePlan plan{.votes = 8, .quorum = 6, .meta = 0};
    std::vector<Vote> votes = many(3, vote(Score::One));
    votes.push_back(vote(Score::Zero));

    CHECK(settled_early(Rule::Unanimous, tally(votes, plan), plan));
    CHECK_FALSE(settled_early(Rule::Majority, tally(votes, plan), plan));
    CHECK_FALSE(settled_early(Rule::Unanimous, tally(many(4, vote(Score::One)), plan), plan));
    CHECK(outcome(Rule::Unanimous, votes, plan) == Outcome::Refused);
  }

  TEST_CASE("an early stop never contradicts what the full votes decide") {
    const VotePlan plan{.votes = 6, .quorum = 4, .meta = 0};
    for (int pattern = 0; pattern < 729; ++pattern) {  // all of {0, 0.5, 1}^6
      std::vector<Vote> votes;
      for (int i = 0, rest = pattern; i < 6; ++i, rest /= 3)
        votes.push_back(vote(static_cast<Score>(rest % 3)));
      for (const Rule rule : kRules)
        for (std::size_t asked = 1; asked < 6; ++asked) {
          const std::vector<Vote> first(votes.begin(), votes.begin() + long(asked));
          if (!settled_early(rule, tally(first, plan), plan)) continue;
          CAPTURE(pattern);
          CAPTURE(to_text(rule));
          REQUIRE(outcome(rule, votes, plan) != Outcome::Accepted);
        }
    }
  }

  TEST_CASE("an issue is dropped only by a majority that holds it unreal") {
    Vote v = vote(Score::Zero, {true, false});
    CHECK(real_issues(v) == std::vector<bool>{true});
    v.meta.push_back({.outcome = VoteOutcome::Parsed, .upheld = false, .real = {false}});
    CHECK(real_issues(v) == std::vector<bool>{false});
  }

  TEST_CASE("the Wilson interval of 68 of 72 is the published one") {
    const Interval i = wilson(68, 72);
    CHECK(i.low == doctest::Approx(0.8657).epsilon(0.001));
    CHECK(i.high == doctest::Approx(0.9782).epsilon(0.001));
    CHECK(wilson(0, 0).high == 1);
  }
}
