#include "training/rewards.h"

#include <doctest/doctest.h>

using namespace training;

namespace {

// The texts of an honest player, found out by the checker.
struct Texts {
  std::string right, wrong;  // proofs that earn 1 and 0
};

Texts texts() {
  theorems::Random random(1);
  const auto& rules = theorems::rules_of(theorems::Family::Congruence);
  const auto read = theorems::read_statement("Prove: 37*24 + 8*9 == 8 (mod 17)");
  const auto& statement = std::get<theorems::Statement>(read);
  const auto proof = rules.prove(statement.text, random);
  Texts t{.right = to_text(*proof), .wrong = {}};
  while (t.wrong.empty()) {
    const std::string spoilt = to_text(rules.spoil(statement.text, *proof, random).proof);
    if (theorems::check(statement, spoilt).halves == 0) t.wrong = spoilt;
  }
  return t;
}

theorems::Statement statement() {
  return std::get<theorems::Statement>(
      theorems::read_statement("Prove: 37*24 + 8*9 == 8 (mod 17)"));
}

std::string generation(const std::string& proof, const std::string& evaluation) {
  return solution_heading() + proof + self_evaluation_heading() + evaluation;
}

const std::string kAccepts = "1: fine ok\nNO ISSUES\nVERDICT: 1";

std::optional<Reward> reward_of(const Task& task, const std::string& text,
                                Answered::End end = Answered::End::Finished,
                                const RewardPlan& plan = {}) {
  RuleJudge judge;
  const Answered answer{.task = &task, .text = text, .tokens = 100, .end = end};
  return rewards_of(plan, judge, {&answer, 1}).front();
}

// Says what it was told to say.
class FakeJudge : public RewardJudge {
 public:
  std::optional<double> score, sound;
  std::size_t proofs_asked = 0, evaluations_asked = 0;
  std::vector<std::optional<double>> scores(std::span<const ProofQuestion> proofs) override {
    proofs_asked += proofs.size();
    return std::vector<std::optional<double>>(proofs.size(), score);
  }
  std::vector<std::optional<double>> soundness(
      std::span<const EvaluationQuestion> evaluations) override {
    evaluations_asked += evaluations.size();
    return std::vector<std::optional<double>>(evaluations.size(), sound);
  }
};

}  // namespace

TEST_SUITE("training/rewards") {
  TEST_CASE("a right proof that is honestly praised earns all, in both proving roles") {
    const Texts t = texts();
    for (const Role role : {Role::Prove, Role::Refine}) {
      const Task task{.role = role, .statement = statement(), .proof = t.wrong};
      const std::string honest = evaluation_of(judged(statement(), t.right));

      const Reward reward = *reward_of(task, generation(t.right, honest));

      CHECK(reward.total == doctest::Approx(1));
      CHECK(reward.score == 1);
      CHECK(reward.sound == 1);
    }
  }

  TEST_CASE("a wrong proof earns what its honesty is worth, and nothing if it is praised") {
    const Texts t = texts();
    const Task task{.role = Role::Prove, .statement = statement()};
    const std::string honest = evaluation_of(judged(statement(), t.wrong));

    CHECK(reward_of(task, generation(t.wrong, honest))->total == doctest::Approx(0.24));
    CHECK(reward_of(task, generation(t.wrong, kAccepts))->total == doctest::Approx(0));
  }

  TEST_CASE("a right proof that is called wrong for no reason keeps the proof's part") {
    const Texts t = texts();
    const Task task{.role = Role::Prove, .statement = statement()};
    const std::string line = t.right.substr(0, t.right.find('\n'));
    const std::string unfair = "ISSUE 1 (fatal)\nQUOTE: " + line + "\nREASON: value\nVERDICT: 0";

    const Reward reward = *reward_of(task, generation(t.right, unfair));

    CHECK(reward.total == doctest::Approx(0.76));
    CHECK(reward.claimed == 0);
  }

  TEST_CASE("a verifier earns what its score and its issues are worth together") {
    const Texts t = texts();
    const Task task{.role = Role::Verify, .statement = statement(), .proof = t.wrong};
    CHECK(reward_of(task, evaluation_of(judged(statement(), t.wrong)))->total == 1);
    CHECK(reward_of(task, kAccepts)->total == 0);  // |1 - 0|
    // The right score for a reason that is not there.
    std::string invented = "ISSUE 1 (fatal)\nQUOTE: nothing of it\nREASON: value\nVERDICT: 0";
    CHECK(reward_of(task, invented)->claimed == 0);
    CHECK(reward_of(task, invented)->total == 0);
  }

  TEST_CASE("a meta-verifier earns by the distance to the exact verdict") {
    const Texts t = texts();
    const std::string honest = evaluation_of(judged(statement(), t.wrong));
    const Task task{
        .role = Role::Judge, .statement = statement(), .proof = t.wrong, .evaluation = honest};
    const auto read = prompts::read_verification(honest);
    const auto& evaluation = std::get<prompts::Verification>(read);
    std::string all_not_real;
    for (std::size_t i = 0; i < evaluation.issues.size(); ++i)
      all_not_real += "ISSUE " + std::to_string(i + 1) + ": not real\n";

    CHECK(reward_of(task, judgement_of(judged(statement(), t.wrong), evaluation))->total == 1);
    CHECK(reward_of(task, all_not_real + "SCORE: inconsistent\nVERDICT: 0")->total == 0);
    CHECK(reward_of(task, all_not_real + "SCORE: inconsistent\nVERDICT: 0.5")->total == 0.5);
  }

  TEST_CASE("answers out of form, cut off, or not of the domain earn nothing") {
    const Texts t = texts();
    const Task task{.role = Role::Prove, .statement = statement()};
    const std::string good = generation(t.right, evaluation_of(judged(statement(), t.right)));

    CHECK(reward_of(task, "no headings")->total == 0);
    CHECK(reward_of(task, good, Answered::End::CutOff)->total == 0);
    CHECK(reward_of(task, generation("I believe it.\n", kAccepts))->format == 0);
    CHECK(reward_of(task, good)->format == 1);
  }

  TEST_CASE("form and length are added and taken off as the plan says") {
    const Task task{.role = Role::Prove, .statement = statement()};
    const Texts t = texts();
    const std::string good = generation(t.right, evaluation_of(judged(statement(), t.right)));
    const RewardPlan plan{.form = 0.1, .length = 0.5, .length_tokens = 200};

    CHECK(reward_of(task, good, Answered::End::Finished, plan)->total ==
          doctest::Approx(1 + 0.1 - 0.25));
    CHECK(reward_of(task, "none", Answered::End::Finished, plan)->total == doctest::Approx(-0.25));
  }

  TEST_CASE("another judge's scores count as they are, and each text is asked for once") {
    const Texts t = texts();
    const Task task{.role = Role::Verify, .statement = statement(), .proof = t.wrong};
    FakeJudge judge;
    judge.score = 0.75;
    judge.sound = 0.5;
    const std::vector<Answered> answers(4, {.task = &task, .text = kAccepts, .tokens = 9});

    const auto rewards = rewards_of({}, judge, answers);

    for (const auto& reward : rewards) CHECK(reward->total == doctest::Approx(0.75 * 0.5));
    CHECK(judge.proofs_asked == 1);
    CHECK(judge.evaluations_asked == 1);
  }

  TEST_CASE("where the judge cannot say, no reward is made up") {
    const Texts t = texts();
    const Task task{.role = Role::Verify, .statement = statement(), .proof = t.wrong};
    FakeJudge judge;
    judge.sound = 1;
    const std::vector<Answered> answers = {{.task = &task, .text = kAccepts, .tokens = 9},
                                           {.task = &task, .text = "out of form", .tokens = 9}};

    const auto rewards = rewards_of({}, judge, answers);

    CHECK_FALSE(rewards[0].has_value());
    CHECK(rewards[1]->total == 0);
  }
}
