#include "theorems/witness.h"

#include <array>
#include <set>

#include "tests/theorems/judge_kit.h"
#include "tests/theorems/slow_judge.h"
#include "theorems/witness_claim.h"

using namespace theorems;
using namespace judge_kit;

namespace {

constexpr const char* kLinear = "Find x: 7*x == 3 (mod 31)";
constexpr const char* kLinearProof =
    "1. take x = 27 [take]\n"
    "2. 7*27 = 189 = 6*31+3 [calc]\n"
    "3. goal [1 2]\n"
    "QED\n";
constexpr const char* kFactors = "Find a,b > 1: a*b = 221";
constexpr const char* kFactorsProof =
    "1. take a = 13 [take]\n"
    "2. take b = 17 [take]\n"
    "3. 13*17 = 221 [calc]\n"
    "4. goal [1 2 3]\n"
    "QED\n";
constexpr const char* kBezout = "Find x,y: 12*x - 35*y = 1";
constexpr const char* kBezoutProof =
    "1. take x = 3 [take]\n"
    "2. take y = 1 [take]\n"
    "3. 12*3 = 36 [calc]\n"
    "4. 35*1 = 35 [calc]\n"
    "5. 36-35 = 1 [sub 3 4]\n"
    "6. goal [1 2 5]\n"
    "QED\n";

std::string with(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Report judged(const std::string& claim, const std::string& proof) {
  return check({Family::Witness, claim}, proof);
}

struct Counts {
  std::array<int, 3> scores = {};
  int differing = 0, unsound = 0;
  std::string example = {};

  void compare(const std::string& statement, const std::string& proof) {
    const Report report = judged(statement, proof);
    const slow::Judgement slowly = slow::judge_witness(statement, proof);
    ++scores[std::size_t(report.halves)];
    if (report.halves != slowly.halves || letters_of(report.lines) != slowly.statuses) {
      ++differing;
      example = statement + "\n" + proof + letters_of(report.lines) + " " + slowly.statuses;
    }
    if (report.halves == 2 && !slow::witness_solves(statement, proof)) {
      ++unsound;
      example = statement + "\n" + proof;
    }
  }
};

void compare_many(int pairs, int edits, uint64_t seed, Counts& counts) {
  const FamilyRules& rules = witness_rules();
  for (int i = 0; i < pairs; ++i) {
    Random random(seed_of(seed, uint64_t(i)));
    const std::string statement = rules.sample(int(random.between(1, 5)), random);
    const Proof right = rules.prove(statement, random).value();
    const Proof proof = random.chance(0.2) ? right : rules.spoil(statement, right, random).proof;
    std::string text = to_text(proof);
    for (int edit = 0; edit < edits; ++edit) text = edited(text, random);
    counts.compare(statement, text);
  }
}

}  // namespace

TEST_SUITE("theorems/witness") {
  TEST_CASE("the proofs of the header earn 1") {
    CHECK(judged(kLinear, kLinearProof).halves == 2);
    CHECK(judged(kFactors, kFactorsProof).halves == 2);
    CHECK(judged(kBezout, kBezoutProof).halves == 2);
    CHECK(judged("Find x: x^2 == 5 (mod 29)",
                 "1. take x = 11 [take]\n2. 11^2 = 121 = 4*29+5 [calc]\n3. goal [1 2]\nQED\n")
              .halves == 2);
  }

  TEST_CASE("each line is worked out in small steps") {
    const Report report = judged(kLinear, kLinearProof);
    CHECK(told(report.lines[0]) == "ok none: x=27");
    CHECK(told(report.lines[1]) == "ok none: 7*27=189; 6*31=186 186+3=189");
    CHECK(told(report.lines[2]) == "ok none: 2:3=3");
    CHECK(told(judged(kBezout, kBezoutProof).lines[4]) == "ok none: 3:36 4:35; 36-35=1");
  }

  TEST_CASE("a witness that does not do it earns 0") {
    const Report report =
        judged(kLinear, "1. take x = 5 [take]\n2. 7*5 = 35 = 1*31+4 [calc]\n3. goal [1 2]\nQED\n");
    CHECK(report.halves == 0);
    CHECK(letters_of(report.lines) == "oow");
    CHECK(told(report.lines[2]) == "wrong witness: 2:4 not 3");
  }

  TEST_CASE("a product forced to fit is wrong at its own line") {
    const Report report =
        judged(kLinear, "1. take x = 5 [take]\n2. 7*5 = 35 = 1*31+3 [calc]\n3. goal [1 2]\nQED\n");
    CHECK(report.halves == 0);
    CHECK(letters_of(report.lines) == "owd");
    CHECK(report.lines[1].remedy == "7*5 = 35 = 1*31+4 [calc]");
  }

  TEST_CASE("a factor 1 is no witness") {
    const Report report = judged(kFactors,
                                 "1. take a = 1 [take]\n2. take b = 221 [take]\n"
                                 "3. 1*221 = 221 [calc]\n4. goal [1 2 3]\nQED\n");
    CHECK(report.halves == 0);
    CHECK(told(report.lines[0]) == "wrong witness: 1 not >1");
  }

  TEST_CASE("a letter taken anew voids what was calculated from its former value") {
    const Report report = judged(kLinear,
                                 "1. take x = 27 [take]\n2. 7*27 = 189 = 6*31+3 [calc]\n"
                                 "3. take x = 5 [take]\n4. goal [3 2]\nQED\n");
    CHECK(report.halves == 0);
    CHECK(told(report.lines[3]) == "wrong missing: none");
    CHECK(judged(kLinear,
                 "1. take x = 5 [take]\n2. take x = 27 [take]\n"
                 "3. 7*27 = 189 = 6*31+3 [calc]\n4. goal [2 3]\nQED\n")
              .halves == 2);
    CHECK(judged(kBezout,
                 with(kBezoutProof, "6. goal [1 2 5]", "6. take y = 4 [take]\n7. goal [1 6 5]"))
              .halves == 0);
  }

  TEST_CASE("flaws without effect cost half") {
    const auto flaw = [](const char* claim, std::string proof) {
      const Report report = judged(claim, proof);
      CHECK(report.halves == 1);
      return report.lines[std::size_t(*report.first_flaw - 1)].defect;
    };
    CHECK(flaw(kLinear, with(kLinearProof, "189 = 6*31", "189 = 5*31")) == Defect::Slip);
    CHECK(flaw(kLinear, with(kLinearProof, "= 189 ", "")) == Defect::NoIntermediate);
    CHECK(flaw(kLinear, with(kLinearProof, "goal [1 2]", "goal [2]")) == Defect::Reference);
    CHECK(flaw(kLinear, with(kLinearProof, "3. goal [1 2]\n", "")) == Defect::NoGoal);
    CHECK(flaw(kBezout, with(kBezoutProof, "[sub 3 4]", "[sub 3]")) == Defect::Reference);
  }

  TEST_CASE("huge values are refused without an exception, with a goal and without") {
    const std::string huge(30, '9');
    const std::string proof = "1. take x = " + huge + " [take]\n2. 7*" + huge + " = 3 [calc]\n";
    CHECK(judged(kLinear, proof + "3. goal [1 2]\nQED\n").halves == 0);
    CHECK(judged(kLinear, proof + "QED\n").halves == 0);
    CHECK(judged(kLinear, proof + "3. goal [9]\nQED\n").halves == 0);
    CHECK(judged(kBezout, "1. take x = " + huge + " [take]\n2. take y = " + huge +
                              " [take]\n3. 12*" + huge + " = 1 [calc]\n4. 35*" + huge +
                              " = 0 [calc]\n5. 1-0 = 1 [sub 3 4]\nQED\n")
              .halves == 0);
  }

  TEST_CASE("every solution is found, and all of them solve") {
    const auto claim = std::get<WitnessClaim>(read_witness("Find x: x^2 == 1 (mod 8)"));
    const auto found = solve_witness(claim, 16);
    std::vector<Integer> values;
    for (const WitnessValues& value : found) values.push_back(value.x);
    CHECK((values == std::vector<Integer>{1, 3, 5, 7}));
    const auto none = std::get<WitnessClaim>(read_witness("Find x: x^2 == 2 (mod 3)"));
    CHECK(solve_witness(none, 16).empty());
    const auto prime = std::get<WitnessClaim>(read_witness("Find a,b > 1: a*b = 97"));
    CHECK(solve_witness(prime, 16).empty());
  }

  TEST_CASE("nothing can be spoilt in claims without a solution, and nothing breaks") {
    for (const char* claim :
         {"Find x,y: 12*x - 0*y = 5", "Find a,b > 1: a*b = 0", "Find x: 0*x == 1 (mod 2)"}) {
      Random random(1);
      CHECK_FALSE(witness_rules().prove(claim, random).has_value());
      for (int i = 0; i < 100; ++i) witness_rules().spoil(claim, proof_of(kLinearProof), random);
    }
  }

  TEST_CASE("a goal can lose all its references and be spoilt again") {
    Random random(5);
    const Proof bare = proof_of(with(kLinearProof, "goal [1 2]", "goal []"));
    for (int i = 0; i < 2000; ++i) {
      const Spoilt spoilt = witness_rules().spoil(kLinear, bare, random);
      CHECK(spoilt.proof.lines.back().refs.size() <= 2);
    }
  }

  TEST_CASE("our proofs tell the whole search, so that each step is one calculation") {
    const auto proof = [](const char* statement) {
      Random random(1);
      return to_text(witness_rules().prove(statement, random).value());
    };
    CHECK(proof("Find x: 3*x == 1 (mod 11)") ==
          "1. take x = 1 [take]\n2. 3*1 = 3 [calc]\n3. take x = 2 [take]\n4. 3*2 = 6 [calc]\n"
          "5. take x = 3 [take]\n6. 3*3 = 9 [calc]\n7. take x = 4 [take]\n"
          "8. 3*4 = 12 = 1*11+1 [calc]\n9. goal [7 8]\nQED\n");
    CHECK(proof("Find x: x^2 == 4 (mod 7)") ==
          "1. take x = 1 [take]\n2. 1^2 = 1 [calc]\n3. take x = 2 [take]\n4. 2^2 = 4 [calc]\n"
          "5. goal [3 4]\nQED\n");
    CHECK(proof("Find a,b > 1: a*b = 15") ==
          "1. take a = 2 [take]\n2. take b = 7 [take]\n3. 2*7 = 14 [calc]\n4. take a = 3 [take]\n"
          "5. take b = 5 [take]\n6. 3*5 = 15 [calc]\n7. goal [4 5 6]\nQED\n");
  }

  TEST_CASE("the opposite of the wanted remainder ends a search with the opposite number") {
    Random random(1);
    CHECK(to_text(witness_rules().prove("Find x: 3*x == 5 (mod 11)", random).value()) ==
          "1. take x = 1 [take]\n2. 3*1 = 3 [calc]\n3. take x = 2 [take]\n4. 3*2 = 6 [calc]\n"
          "5. take x = 9 [take]\n6. 3*9 = 27 = 2*11+5 [calc]\n7. goal [5 6]\nQED\n");
  }

  TEST_CASE("of a long search only the end is told, and no search is needed for nothing") {
    Random random(1);
    const Proof far = witness_rules().prove("Find x: 2*x == 501 (mod 1009)", random).value();
    CHECK(far.lines.size() == 129);
    CHECK(far.lines.back().body == "goal");
    CHECK(judged("Find x: 2*x == 501 (mod 1009)", to_text(far)).halves == 2);
    CHECK(to_text(witness_rules().prove("Find x: 5*x == 0 (mod 7)", random).value()) ==
          "1. take x = 0 [take]\n2. 5*0 = 0 [calc]\n3. goal [1 2]\nQED\n");
    for (const char* statement :
         {"Find x: 6*x == 3 (mod 9)", "Find x: x^2 == 4 (mod 12)", "Find x: 2*x == 3 (mod 4)",
          "Find x: 10*x == 12 (mod 7)", "Find a,b > 1: a*b = 99998", "Find x: 0*x == 0 (mod 2)"}) {
      CAPTURE(statement);
      const auto proof = witness_rules().prove(statement, random);
      const bool solvable =
          !solve_witness(std::get<WitnessClaim>(read_witness(statement)), 1).empty();
      CHECK(proof.has_value() == solvable);
      if (proof) CHECK(judged(statement, to_text(*proof)).halves == 2);
    }
  }

  TEST_CASE("what the sampler makes has a solution whose proof earns 1, at every level") {
    for (int level = 1; level <= kLevels; ++level)
      for (uint64_t i = 0; i < 200; ++i) {
        Random random(seed_of(uint64_t(level), i));
        const std::string statement = witness_rules().sample(level, random);
        const std::string proof = to_text(witness_rules().prove(statement, random).value());
        CHECK(judged(statement, proof).halves == 2);
        CHECK(slow::witness_solves(statement, proof));
      }
  }

  TEST_CASE("the checker and a second one of other code agree on right, spoilt and edited proofs") {
    Counts counts;
    compare_many(4000, 0, 1, counts);
    compare_many(4000, 1, 2, counts);
    compare_many(2000, 3, 3, counts);
    INFO(counts.example);
    CHECK(counts.differing == 0);
    CHECK(counts.unsound == 0);
    for (const int score : counts.scores) CHECK(score > 600);
  }
}

TEST_SUITE("slow/theorems/witness") {
  TEST_CASE("the two checkers agree on 100,000 right, spoilt and edited proofs") {
    Counts counts;
    compare_many(40'000, 0, 4, counts);
    compare_many(40'000, 1, 5, counts);
    compare_many(20'000, 2, 6, counts);
    INFO(counts.example);
    CHECK(counts.differing == 0);
    CHECK(counts.unsound == 0);
    MESSAGE(counts.scores[0] << " " << counts.scores[1] << " " << counts.scores[2]);
  }
}
