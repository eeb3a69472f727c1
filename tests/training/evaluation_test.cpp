#include "training/evaluation.h"

#include <doctest/doctest.h>

using prompts::Score;
using training::Share;

TEST_SUITE("training/evaluation") {
  TEST_CASE("Wilson's interval of 68 in 72 is 0.866 to 0.978") {
    const Share share{68, 72};
    CHECK(share.low() == doctest::Approx(0.8660).epsilon(1e-3));
    CHECK(share.high() == doctest::Approx(0.9782).epsilon(1e-3));
    CHECK(Share{0, 57}.low() == 0);
    CHECK(Share{57, 57}.high() == doctest::Approx(1));
    CHECK(Share{}.low() == 0);
    CHECK(Share{}.high() == 1);
  }

  TEST_CASE("a verifier is measured on accepted wrong proofs, refused right ones and first flaws") {
    const theorems::Statement statement{theorems::Family::Congruence,
                                        "Prove: 8*9 + 5*3 == 2 (mod 17)"};
    const std::string right =
        "1. 8*9 = 72 = 4*17+4 [calc]\n2. 5*3 = 15 [calc]\n3. 4+15 = 19 = 1*17+2 [add 1 2]\n"
        "4. goal [3]\nQED";
    const std::string wrong =
        "1. 8*9 = 72 = 4*17+4 [calc]\n2. 5*3 = 16 [calc]\n3. 4+16 = 20 = 1*17+3 [add 1 2]\n"
        "4. goal [3]\nQED";
    const std::vector<training::Judged> proofs = {
        training::judged(statement, right), training::judged(statement, right),
        training::judged(statement, wrong), training::judged(statement, wrong)};
    const auto vote = [](Score score, std::string quote) {
      training::Verified made;
      made.readable = true;
      made.verification.score = score;
      if (!quote.empty())
        made.verification.issues.push_back({prompts::Severity::Fatal, quote, "r"});
      return made;
    };
    const std::vector<training::Verified> votes = {
        vote(Score::One, ""), vote(Score::Zero, "3. 4+15 = 19 = 1*17+2 [add 1 2]"),
        vote(Score::One, ""), vote(Score::Zero, "2. 5*3 = 16 [calc]")};

    const training::VerifierFigures figures = training::figures_of(proofs, votes);

    CHECK(figures.right_refused.hits == 1);
    CHECK(figures.right_refused.of == 2);
    CHECK(figures.wrong_accepted.hits == 1);
    CHECK(figures.wrong_accepted.of == 2);
    CHECK(figures.first_flaw.hits == 1);
    CHECK(figures.first_flaw.of == 1);
    CHECK(figures.macro() == doctest::Approx(0.5));
  }

  TEST_CASE("statements to measure with are of the split that was asked for") {
    training::EvaluationPlan plan;
    plan.statements = 8;
    plan.split = theorems::Split::Test;
    for (const auto& statement : training::draw_statements(theorems::Family::Congruence, 2, plan))
      CHECK(theorems::split_of(statement) == theorems::Split::Test);
  }
}
