#include "pipeline/search.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/run.h"
#include "tests/support/scripted_book.h"

using namespace pipeline;

namespace {

std::shared_ptr<const Problem> problem(const std::string& statement) {
  auto p = std::make_shared<Problem>();
  p->name = "p";
  p->statement = statement;
  p->sha256 = problem_sha256(*p);
  return p;
}

struct Run {
  support::ScriptedBook book;
  SearchResult result;
};

std::unique_ptr<Run> run(const Effort& effort, const support::ScriptedRates& rates,
                         const std::string& statement, uint64_t order) {
  auto r = std::make_unique<Run>(Run{support::ScriptedBook(rates, 3, order), {}});
  const prompts::TemplateSet templates = prompts::TemplateSet::shipped();
  const Loop loop{r->book, templates, effort, 3, "0123456789abcdef0123456789abcdef"};
  r->result = support::run(search(loop, problem(statement), nullptr));
  return r;
}

Effort small_pool() {
  Effort effort;
  effort.pool = 6;
  effort.best = 3;
  effort.refinements = 2;
  effort.rounds = 3;
  effort.analyses = 1;
  effort.votes = {.votes = 4, .quorum = 3, .meta = 1};
  effort.stop_early = false;
  return effort;
}

// Rates under which a first attempt is nearly always flawed and a refinement often mends it.
support::ScriptedRates hard() {
  support::ScriptedRates rates;
  rates.flaw = 0.5;
  rates.fix = 0.5;
  rates.miss = 0.05;
  return rates;
}

}  // namespace

TEST_SUITE("pipeline/search") {
  TEST_CASE("a generator without flaws is accepted in the first round") {
    support::ScriptedRates perfect;
    perfect.flaw = perfect.vague = perfect.invent = 0;

    const auto r = run(small_pool(), perfect, "Show that $1 + 1 = 2$.", 1);

    CHECK(r->result.outcome == Outcome::Accepted);
    CHECK(r->result.best->round == 0);
    CHECK(r->book.decisions.back().rule == "search");
  }

  TEST_CASE("the result and the survivor do not depend on the order of arrival") {
    int accepted = 0;
    int in_later_rounds = 0;
    for (int world = 0; world < 12; ++world) {
      const std::string statement = "Show the statement of world " + std::to_string(world) + ".";
      const auto first = run(small_pool(), hard(), statement, 1);
      accepted += first->result.outcome == Outcome::Accepted;
      in_later_rounds += first->result.best && first->result.best->round > 0;
      for (uint64_t order = 2; order < 8; ++order) {
        CAPTURE(world);
        CAPTURE(order);
        const auto other = run(small_pool(), hard(), statement, order);
        REQUIRE(other->result.outcome == first->result.outcome);
        REQUIRE(other->result.best.has_value() == first->result.best.has_value());
        if (!first->result.best) continue;
        REQUIRE(other->result.best->key == first->result.best->key);
        REQUIRE(other->result.best->proof == first->result.best->proof);
        REQUIRE(other->book.decisions.back().numbers == first->book.decisions.back().numbers);
      }
    }
    CHECK(accepted > 3);  // else the worlds would show nothing
    CHECK(in_later_rounds > 2);
  }

  TEST_CASE("refinement solves problems that first attempts do not") {
    Effort none = small_pool();
    none.rounds = 0;
    int without = 0;
    int with = 0;
    for (int world = 0; world < 20; ++world) {
      const std::string statement = "Show world " + std::to_string(world) + " to be round.";
      without += run(none, hard(), statement, 1)->result.outcome == Outcome::Accepted;
      with += run(small_pool(), hard(), statement, 1)->result.outcome == Outcome::Accepted;
    }
    CAPTURE(without);
    CHECK(with > without);
  }

  TEST_CASE(
      "without a survivor every round is run to its end: pool + rounds * best * refinements") {
    support::ScriptedRates hopeless;
    hopeless.flaw = 1;
    hopeless.fix = 0;
    hopeless.miss = 0;
    const Effort effort = small_pool();

    const auto r = run(effort, hopeless, "Show that nothing holds.", 1);

    CHECK(r->result.outcome == Outcome::Undecided);
    CHECK(r->book.proofs.size() == 6 + 3 * 3 * 2);
    CHECK(r->result.best);  // the best so far is still told
  }

  TEST_CASE("equal proofs are judged once") {
    const auto r = run(small_pool(), hard(), "Show a thing.", 5);

    std::set<std::string> contents;
    std::set<std::string> votes;
    for (const storage::ProofRow& row : r->book.proofs) contents.insert(row.content_key);
    for (const storage::VoteRow& row : r->book.votes) {
      CAPTURE(row.call_key);
      CHECK(votes.insert(row.call_key).second);
      CHECK(contents.contains(row.content_key));
    }
  }

  TEST_CASE("a chain refines itself until it scores itself 1, at most its number of steps") {
    Effort effort = *effort_of("sequential");
    effort.pool = 8;
    effort.self_refinements = 3;
    effort.votes = {.votes = 4, .quorum = 3, .meta = 1};

    const auto r = run(effort, hard(), "Show it by steps.", 1);

    std::map<std::string, int> steps;
    for (const storage::ProofRow& row : r->book.proofs) {
      const std::string chain = row.key.substr(0, row.key.rfind("/t"));
      ++steps[chain];
    }
    int longest = 0;
    for (const auto& [chain, count] : steps) longest = std::max(longest, count);
    CHECK(steps.size() == 8);
    CHECK(longest > 1);
    CHECK(longest <= 4);
  }

  TEST_CASE("a refinement is shown several candidates when asked to, with their analyses") {
    Effort effort = small_pool();
    effort.candidates = 2;
    effort.analyses = 3;
    support::ScriptedRates hopeless = hard();
    hopeless.fix = 0;
    hopeless.miss = 0;
    hopeless.flaw = 0.9;

    const auto r = run(effort, hopeless, "Show two at once.", 1);

    int refinements = 0;
    for (const storage::ProofRow& row : r->book.proofs)
      if (row.round > 0) {
        ++refinements;
        CHECK(row.parents.size() == 2);
      }
    CHECK(refinements > 0);
  }

  TEST_CASE("a generation that cannot be read is asked for once more, then given up") {
    Effort effort = small_pool();
    effort.pool = 1;
    effort.rounds = 0;
    support::ScriptedRates garbled;
    garbled.garble = 1;

    const auto r = run(effort, garbled, "Show nonsense.", 1);

    CHECK(r->book.asked[Role::Generator] == 2);
    CHECK(r->result.outcome == Outcome::Undecided);
    CHECK(r->result.reason == "no readable proof was generated");
    CHECK(r->result.unreadable == 1);
  }
}
