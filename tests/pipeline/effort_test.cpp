#include "pipeline/effort.h"

#include <doctest/doctest.h>

using namespace pipeline;

TEST_SUITE("pipeline/effort") {
  TEST_CASE("every preset can be run, and only the named ones exist") {
    for (const std::string_view name : kEffortNames) {
      CAPTURE(name);
      REQUIRE(effort_of(name));
      CHECK_FALSE(problem_with(*effort_of(name)));
    }
    CHECK_FALSE(effort_of("enormous"));
  }

  TEST_CASE("the paper's effort has the paper's numbers") {
    const Effort paper = *effort_of("paper");
    CHECK(paper.pool == 64);
    CHECK(paper.votes.votes == 64);
    CHECK(paper.best == 64);
    CHECK(paper.refinements == 8);
    CHECK(paper.rounds == 16);
  }

  TEST_CASE("a quorum above the votes is refused in a sentence with both numbers") {
    Effort effort = *effort_of("quick");
    effort.votes.quorum = 5;
    CHECK(problem_with(effort)->find("quorum is 5, more than the 4 votes") == 0);
  }

  TEST_CASE("what is expected never exceeds the most there can be") {
    for (const std::string_view name : kEffortNames)
      for (const double accept : {0.0, 0.1, 0.9})
        CHECK(expected_calls(*effort_of(name), accept, 0.5).total() <=
              most_calls(*effort_of(name)).total());
  }
}
