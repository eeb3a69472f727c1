#include "training/labelling.h"

#include <doctest/doctest.h>

#include <stdexcept>

using prompts::MetaVerification;
using prompts::Score;
using training::AnalysisVote;
using training::Judged;
using training::LabelPlan;

namespace {

using Lowest = LabelPlan::Lowest;

constexpr AnalysisVote kOne{Score::One, false, false};
constexpr AnalysisVote kHalf{Score::Half, true, true};
constexpr AnalysisVote kZero{Score::Zero, true, true};
constexpr AnalysisVote kUnfoundedHalf{Score::Half, false, false};
constexpr AnalysisVote kUnfoundedZero{Score::Zero, false, false};
constexpr AnalysisVote kTooHarsh{Score::Zero, true, false};  // its issue is real, and a minor one

std::optional<Score> label_of(Lowest lowest, const std::vector<AnalysisVote>& votes) {
  return training::label_of({.upheld_min = 2, .lowest = lowest}, votes);
}

const theorems::Statement kStatement{theorems::Family::Congruence,
                                     "Prove: 8*9 + 5*3 == 2 (mod 17)"};
Judged right() {
  return training::judged(kStatement,
                          "1. 8*9 = 72 = 4*17+4 [calc]\n2. 5*3 = 15 [calc]\n"
                          "3. 4+15 = 19 = 1*17+2 [add 1 2]\n4. goal [3]\nQED");
}
Judged wrong() {
  return training::judged(kStatement,
                          "1. 8*9 = 72 = 4*17+4 [calc]\n2. 5*3 = 16 [calc]\n"
                          "3. 4+16 = 20 = 1*17+3 [add 1 2]\n4. goal [3]\nQED");
}

training::Verified analysis(std::string text) {
  training::Verified made;
  auto read = prompts::read_verification(text);
  if (auto* verification = std::get_if<prompts::Verification>(&read)) {
    made.readable = true;
    made.verification = *verification;
  }
  made.text = std::move(text);
  return made;
}

const std::string kInvented =
    "ISSUE 1 (fatal)\nQUOTE: 2. 5*3 = 15 [calc]\nREASON: value: 5*3 = 14\nVERDICT: 0";

// What an ideal meta-verifier says to each question.
training::Answer judgement(const Judged& proof, const training::Question& question) {
  const auto read = prompts::read_verification(question.parts[2].text);
  return {training::judgement_of(proof, std::get<prompts::Verification>(read)), true, 1};
}

}  // namespace

TEST_SUITE("training/labelling") {
  TEST_CASE("the label is the lowest score if enough analyses uphold it") {
    for (const Lowest lowest : {Lowest::Given, Lowest::Upheld}) {
      CHECK(label_of(lowest, {kZero, kZero, kOne, kHalf}) == Score::Zero);
      CHECK(label_of(lowest, {kHalf, kHalf, kOne}) == Score::Half);
      CHECK(label_of(lowest, {kHalf, kHalf, kZero, kZero}) == Score::Zero);
      CHECK_FALSE(label_of(lowest, {kZero, kOne, kOne}));
      CHECK_FALSE(label_of(lowest, {kZero, kUnfoundedZero, kOne}));
    }
  }

  TEST_CASE("the label is 1 if no analysis has a real issue, whatever they say") {
    for (const Lowest lowest : {Lowest::Given, Lowest::Upheld}) {
      CHECK(label_of(lowest, {kOne, kOne}) == Score::One);
      CHECK(label_of(lowest, {kUnfoundedZero, kUnfoundedHalf, kUnfoundedZero}) == Score::One);
      CHECK_FALSE(label_of(lowest, {kOne, kOne, kTooHarsh}));
      CHECK_FALSE(label_of(lowest, {kOne}));
      CHECK_FALSE(label_of(lowest, {}));
    }
  }

  TEST_CASE("a lower score that fails the test leaves the next one to the other rule only") {
    const std::vector<AnalysisVote> votes = {kUnfoundedZero, kHalf, kHalf, kHalf};
    CHECK_FALSE(label_of(Lowest::Given, votes));
    CHECK(label_of(Lowest::Upheld, votes) == Score::Half);
  }

  TEST_CASE("an analysis is upheld by more than half of all its judgements") {
    const std::optional<MetaVerification> yes = MetaVerification{Score::One, {true}, true};
    const std::optional<MetaVerification> partly = MetaVerification{Score::Half, {true}, false};
    const std::optional<MetaVerification> no = MetaVerification{Score::Zero, {false}, false};
    const auto vote = [](std::vector<std::optional<MetaVerification>> judgements) {
      return training::vote_of(Score::Zero, judgements);
    };
    CHECK(vote({yes, yes, no}).upheld);
    CHECK_FALSE(vote({yes, no}).upheld);
    CHECK_FALSE(vote({yes, std::nullopt, std::nullopt}).upheld);
    CHECK(vote({yes, partly, no}).issue);
    CHECK_FALSE(vote({yes, partly, no}).upheld);
    // That no issue is real and the score is right all the same cannot uphold it.
    CHECK_FALSE(vote({MetaVerification{Score::Zero, {false}, true}}).upheld);
    CHECK(vote({yes}).score == Score::Zero);
  }

  TEST_CASE("ideal judges label a right proof 1 and a wrong one 0, and refute what is invented") {
    const std::vector<Judged> proofs = {right(), wrong()};
    const std::string sound = training::evaluation_of(proofs[0]);
    const std::string flawed = training::evaluation_of(proofs[1]);
    const std::vector<training::Verified> analyses = {analysis(sound),       analysis(kInvented),
                                                      analysis("no answer"), analysis(flawed),
                                                      analysis(flawed),      analysis(sound)};
    const LabelPlan plan{.analyses = 3, .judgements = 2, .upheld_min = 2};

    const auto questions = training::judgement_questions(proofs, analyses, plan, 1, 0.7);
    REQUIRE(questions.size() == 6);
    CHECK(questions[0].template_name == "meta_verify");
    CHECK(questions[1].parts[2].text == kInvented);
    CHECK(questions[2].parts[1].text == proofs[1].proof);
    CHECK(questions[0].seed != questions[1].seed);

    std::vector<training::Answer> answers;
    for (std::size_t i = 0; i < questions.size(); ++i)
      answers.push_back(judgement(proofs[i < 2 ? 0 : 1], questions[i]));
    const auto labelled = training::read_labels(analyses, answers, plan);
    REQUIRE(labelled.size() == 2);
    CHECK(labelled[0].votes.size() == 2);
    CHECK(labelled[0].label == Score::One);
    CHECK(labelled[1].label == Score::Zero);

    // A judgement that was cut off upholds nothing.
    answers[2].ended = false;
    CHECK_FALSE(training::read_labels(analyses, answers, plan)[1].votes[0].upheld);

    answers.pop_back();
    CHECK_THROWS_AS(training::read_labels(analyses, answers, plan), std::invalid_argument);
  }

  TEST_CASE("labels are measured against the checker") {
    const std::vector<Judged> proofs = {right(), right(), wrong(), wrong()};
    const std::vector<training::Labelled> labelled = {
        {{}, Score::One}, {{}, Score::Half}, {{}, Score::Zero}, {{}, std::nullopt}};

    const training::LabelFigures figures = training::figures_of(proofs, labelled);

    CHECK(figures.covered.hits == 3);
    CHECK(figures.covered.of == 4);
    CHECK(figures.agreed.hits == 2);
    CHECK(figures.agreed.of == 3);
    CHECK(figures.confusion[2][1] == 1);
    CHECK(figures.confusion[2][2] == 1);
    CHECK(figures.confusion[0][0] == 1);
    CHECK(figures.undecided[0] == 1);
  }

  TEST_CASE("a plan that nothing can meet is refused") {
    for (const LabelPlan& plan : {LabelPlan{.analyses = 1, .upheld_min = 2},
                                  LabelPlan{.judgements = 0}, LabelPlan{.upheld_min = 0}})
      CHECK_THROWS_AS(training::read_labels({}, {}, plan), std::invalid_argument);
  }
}
