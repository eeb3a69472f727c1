#include "training/answers.h"

#include <doctest/doctest.h>

#include <string>

using prompts::Score;
using theorems::Family;

namespace {

const std::string kStatement = "Prove: 37*24 + 8*9 == 8 (mod 17)";
const std::string kRight =
    "1. 37*24 = 888 = 52*17+4 [calc]\n"
    "2. 8*9 = 72 = 4*17+4 [calc]\n"
    "3. 4+4 = 8 [add 1 2]\n"
    "4. goal [3]\n"
    "QED";

training::Judged judge(const std::string& proof) {
  return training::judged({Family::Congruence, kStatement}, proof);
}

prompts::Verification read(const std::string& evaluation) {
  auto read = prompts::read_verification(evaluation);
  CAPTURE(evaluation);
  REQUIRE(std::holds_alternative<prompts::Verification>(read));
  return std::get<prompts::Verification>(read);
}

prompts::MetaVerification read_judgement(const std::string& text, std::size_t issues) {
  auto read = prompts::read_meta_verification(text, issues);
  CAPTURE(text);
  REQUIRE(std::holds_alternative<prompts::MetaVerification>(read));
  return std::get<prompts::MetaVerification>(read);
}

}  // namespace

TEST_SUITE("training/answers") {
  TEST_CASE("the evaluation of a right proof shows the steps and finds nothing") {
    CHECK(training::evaluation_of(judge(kRight)) ==
          "1: 37*20=740 37*4=148 740+148=888; 52*10=520 52*7=364 520+364=884 884+4=888 ok\n"
          "2: 8*9=72; 4*17=68 68+4=72 ok\n"
          "3: 1:4 2:4; 4+4=8 ok\n"
          "4: 37*24:1 8*9:2; 3:8=8 ok\n"
          "NO ISSUES\n"
          "VERDICT: 1");
  }

  TEST_CASE("a wrong line becomes an issue whose reason is the right line") {
    std::string wrong = kRight;
    wrong.replace(wrong.find("888 = 52*17+4"), 13, "898 = 52*17+14");
    const prompts::Verification found = read(training::evaluation_of(judge(wrong)));
    CHECK(found.score == Score::Zero);
    REQUIRE(found.issues.size() == 2);  // and line 3 takes over a number that is not there
    CHECK(found.issues[0].quote == "1. 37*24 = 898 = 52*17+14 [calc]");
    CHECK(found.issues[0].reason == "value: 37*24 = 888 = 52*17+4 [calc]");
    CHECK(found.issues[1].quote == "3. 4+4 = 8 [add 1 2]");
  }

  TEST_CASE("what cannot be read is quoted where it fails") {
    const prompts::Verification found =
        read(training::evaluation_of(judge("1. 37*24 = 888 = 52*17+4 [calc]\nand so on\nQED")));
    CHECK(found.score == Score::Zero);
    REQUIRE(found.issues.size() == 1);
    CHECK(found.issues[0].quote == "and so on");
  }

  TEST_CASE("the judgement of an invented issue strikes it, of a real one upholds it") {
    const training::Judged right = judge(kRight);
    const prompts::Verification invented =
        read("ISSUE 1 (fatal)\nQUOTE: 2. 8*9 = 72 = 4*17+4 [calc]\nREASON: value\nVERDICT: 0");
    const auto struck = read_judgement(training::judgement_of(right, invented), 1);
    CHECK(struck.score == Score::Zero);
    CHECK_FALSE(struck.real[0]);
    CHECK_FALSE(struck.consistent);

    std::string slip = kRight;
    slip.replace(slip.find("72 = 4*17"), 9, "73 = 4*17");
    const prompts::Verification minor =
        read("ISSUE 1 (minor)\nQUOTE: 2. 8*9 = 73 = 4*17+4 [calc]\nREASON: slip\nVERDICT: 0.5");
    const auto upheld = read_judgement(training::judgement_of(judge(slip), minor), 1);
    CHECK(upheld.score == Score::One);
    CHECK(upheld.consistent);

    const prompts::Verification heavy =
        read("ISSUE 1 (fatal)\nQUOTE: 2. 8*9 = 73 = 4*17+4 [calc]\nREASON: slip\nVERDICT: 0");
    const auto weighed = read_judgement(training::judgement_of(judge(slip), heavy), 1);
    CHECK(weighed.real[0]);
    CHECK_FALSE(weighed.consistent);
    CHECK(weighed.score == Score::Half);
  }

  TEST_CASE("an evaluation without an issue is consistent where it gives 1") {
    const auto judgement =
        read_judgement(training::judgement_of(judge(kRight), read("NO ISSUES\nVERDICT: 1")), 0);
    CHECK(judgement.score == Score::One);
  }

  TEST_CASE("all ideal answers are read by the grammar and say what the checker says") {
    theorems::Random random(7);
    for (int i = 0; i < 3000; ++i) {
      const Family family = theorems::kFamilies[std::size_t(i) % theorems::kFamilies.size()];
      const auto& rules = theorems::rules_of(family);
      const std::string statement = rules.sample(1 + i % 4, random);
      const auto proof = rules.prove(statement, random);
      REQUIRE(proof);
      const auto spoilt = rules.spoil(statement, *proof, random);
      const training::Judged judged = training::judged({family, statement}, to_text(spoilt.proof));
      const prompts::Verification found = read(training::evaluation_of(judged));
      CHECK(prompts::halves(found.score) == judged.report.halves);
      const auto own = read_judgement(training::judgement_of(judged, found), found.issues.size());
      CHECK(own.score == Score::One);
      const prompts::Verification errs = read(training::spoilt_evaluation(judged, random));
      read_judgement(training::judgement_of(judged, errs), errs.issues.size());
    }
  }
}
