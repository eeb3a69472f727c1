#include "pipeline/judge.h"

#include <doctest/doctest.h>

#include "tests/support/run.h"
#include "tests/support/scripted_book.h"

using namespace pipeline;

namespace {

constexpr const char* kProof =
    "We add the two equations. First, $2 + 3 = 5$, so the left side is five. Second, the right "
    "side "
    "is $4 + 5 = 9$. Hence the sum of both sides is $5 + 9 = 14$, which was to be shown.";

std::shared_ptr<const Problem> problem() {
  auto p = std::make_shared<Problem>();
  p->name = "sum";
  p->statement = "Show that the two sums together are 14.";
  p->sha256 = problem_sha256(*p);
  return p;
}

std::string verdict(const std::string& score) {
  if (score == "1") return "All is well.\n\nNO ISSUES\n\nVERDICT: 1\n";
  const std::string severity = score == "0" ? "fatal" : "minor";
  return "A doubt.\n\nISSUE 1 (" + severity +
         ")\nQUOTE: the right side is $4 + 5 = 9$\nREASON: nothing says so\n\nVERDICT: " + score +
         "\n";
}

std::string meta(const std::string& real) {
  const std::string rest =
      real == "real" ? "\nSCORE: consistent\nVERDICT: 1\n" : "\nSCORE: inconsistent\nVERDICT: 0\n";
  return "Checked.\n\nISSUE 1: " + real + rest;
}

CallResult answer(std::string text, std::string finish = "stop") {
  return {.answered = true, .finish_reason = std::move(finish), .text = std::move(text)};
}

CallResult failed(std::string error) { return {.error = std::move(error)}; }

// A judgement whose answers are all given: `votes[i]` is the answer to vote i.
struct Case {
  support::ScriptedBook book{{}, 1, 1};
  prompts::TemplateSet templates = prompts::TemplateSet::shipped();
  Effort effort = *effort_of("quick");
  std::string content = content_key(*problem(), kProof);

  Case() { effort.stop_early = false; }
  void vote(int i, int ask, CallResult result) {
    book.instead["verifier/" + content + "/" + std::to_string(i) + "/" + std::to_string(ask)] =
        std::move(result);
  }
  void meta_vote(int i, int j, CallResult result) {
    book.instead["meta_verifier/" + content + "/" + std::to_string(i) + "/" + std::to_string(j) +
                 "/0"] = std::move(result);
  }
  Judgement run(const char* proof = kProof) {
    const Loop loop{book, templates, effort, 1, "0123456789abcdef0123456789abcdef"};
    return support::run(
        judge(loop, problem(), std::make_shared<const std::string>(proof), nullptr));
  }
};

}  // namespace

TEST_SUITE("pipeline/judge") {
  TEST_CASE("four votes of 1 accept a proof, and the decision is recorded with its numbers") {
    Case c;
    for (int i = 0; i < 4; ++i) c.vote(i, 0, answer(verdict("1")));

    const Judgement judgement = c.run();

    CHECK(judgement.decision.outcome == Outcome::Accepted);
    CHECK(judgement.tally.positive == 4);
    REQUIRE(c.book.decisions.size() == 1);
    CHECK(c.book.decisions[0].outcome == "accepted");
    CHECK(c.book.votes.size() == 4);
    CHECK(c.book.asked[Role::MetaVerifier] == 0);
  }

  TEST_CASE("a negative vote is asked to be meta-verified, and one found unreal is struck") {
    Case c;
    for (int i = 0; i < 3; ++i) c.vote(i, 0, answer(verdict("1")));
    c.vote(3, 0, answer(verdict("0")));
    c.meta_vote(3, 0, answer(meta("not real")));

    const Judgement judgement = c.run();

    CHECK(c.book.asked[Role::MetaVerifier] == 1);
    CHECK(judgement.tally.struck == 1);
    CHECK(judgement.decision.outcome == Outcome::Accepted);
    CHECK(c.book.meta_votes[0].verdict == "struck");
  }

  TEST_CASE("a negative vote found real refuses the proof") {
    Case c;
    for (int i = 0; i < 3; ++i) c.vote(i, 0, answer(verdict("1")));
    c.vote(3, 0, answer(verdict("0")));
    c.meta_vote(3, 0, answer(meta("real")));

    CHECK(c.run().decision.outcome == Outcome::Refused);
  }

  TEST_CASE("an answer that cannot be read is asked for once more and is then missing, never 0") {
    Case c;
    for (int i = 0; i < 3; ++i) c.vote(i, 0, answer(verdict("1")));
    c.vote(3, 0, answer("I would say it is fine."));
    c.vote(3, 1, answer("VERDICT: 7"));

    const Judgement judgement = c.run();

    CHECK(c.book.asked[Role::Verifier] == 5);
    CHECK(judgement.tally.returned == 4);
    CHECK(judgement.tally.parsed == 3);
    CHECK(judgement.decision.outcome == Outcome::Accepted);  // the quorum is three
  }

  TEST_CASE("a second ask that can be read counts") {
    Case c;
    for (int i = 0; i < 3; ++i) c.vote(i, 0, answer(verdict("1")));
    c.vote(3, 0, answer(verdict("0"), "length"));
    c.vote(3, 1, answer(verdict("1")));

    CHECK(c.run().tally.positive == 4);
  }

  TEST_CASE("an answer that ended by its length has no score, whatever it says") {
    Case c;
    for (int i = 0; i < 4; ++i)
      for (int ask = 0; ask < 2; ++ask) c.vote(i, ask, answer(verdict("1"), "length"));

    const Judgement judgement = c.run();

    CHECK(judgement.tally.parsed == 0);
    CHECK(judgement.decision.outcome == Outcome::Undecided);
  }

  TEST_CASE("failed calls are missing votes: below the quorum nothing is decided") {
    Case c;
    c.vote(0, 0, answer(verdict("1")));
    c.vote(1, 0, answer(verdict("1")));
    c.vote(2, 0, failed("the endpoint refused it"));
    c.vote(3, 0, failed("the endpoint refused it"));

    const Judgement judgement = c.run();

    CHECK(judgement.tally.requested == 4);
    CHECK(judgement.tally.returned == 2);
    CHECK(judgement.decision.outcome == Outcome::Undecided);
    CHECK(judgement.decision.reason == "below the quorum");
  }

  TEST_CASE("issues whose quotes do not occur in the proof are invented: the vote is unparsed") {
    Case c;
    for (int i = 0; i < 3; ++i) c.vote(i, 0, answer(verdict("1")));
    const std::string invented =
        "ISSUE 1 (fatal)\nQUOTE: we divide by $x - y = 0$\nREASON: it is zero\n\nVERDICT: 0\n";
    c.vote(3, 0, answer(invented));
    c.vote(3, 1, answer(invented));

    const Judgement judgement = c.run();

    CHECK(judgement.votes[3].outcome == VoteOutcome::Unparsed);
    CHECK(c.book.votes.back().note == "no quoted passage occurs in the proof");
  }

  TEST_CASE("an empty proof is refused by a gate, without a call") {
    Case c;

    const Judgement judgement = c.run("  \n ");

    CHECK(c.book.keys.empty());
    CHECK(judgement.decision.outcome == Outcome::Refused);
    CHECK(judgement.decision.reason == "gate: empty");
  }

  TEST_CASE("voting stops after a wave that settled it, and the stop is recorded") {
    Case c;
    c.effort.stop_early = true;
    c.effort.wave = 2;
    c.effort.votes = {.votes = 8, .quorum = 4, .meta = 0};
    c.vote(0, 0, answer(verdict("0")));
    c.vote(1, 0, answer(verdict("1")));

    const Judgement judgement = c.run();

    CHECK(c.book.asked[Role::Verifier] == 2);
    REQUIRE(judgement.stopped_early);
    CHECK(judgement.decision.outcome == Outcome::Refused);
    CHECK(c.book.decisions[0].numbers.find("stopped_early") != std::string::npos);
  }

  TEST_CASE("reference and rubric reach the verifier, and nobody else") {
    Case c;
    for (int i = 0; i < 4; ++i) c.vote(i, 0, answer(verdict(i == 0 ? "0" : "1")));
    c.meta_vote(0, 0, answer(meta("real")));
    auto with_rubric = std::make_shared<Problem>(*problem());
    with_rubric->rubric = "One point for the middle sum, hidden-rubric-word.";
    with_rubric->sha256 = problem_sha256(*with_rubric);
    c.content = content_key(*with_rubric, kProof);
    for (int i = 0; i < 4; ++i) c.vote(i, 0, answer(verdict(i == 0 ? "0" : "1")));
    c.meta_vote(0, 0, answer(meta("real")));
    const Loop loop{c.book, c.templates, c.effort, 1, "0123456789abcdef0123456789abcdef"};

    support::run(judge(loop, with_rubric, std::make_shared<const std::string>(kProof), nullptr));

    for (const auto& asked : c.book.prompts) {
      const auto& key = asked.first;
      const auto& prompt = asked.second;
      CAPTURE(key);
      const bool verifier = key.starts_with("verifier/");
      CHECK((prompt.find("hidden-rubric-word") != std::string::npos) == verifier);
    }
  }
}
