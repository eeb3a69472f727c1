#include "theorems/congruence.h"

#include <array>
#include <set>

#include "tests/theorems/judge_kit.h"
#include "tests/theorems/slow_judge.h"
#include "theorems/congruence_prove.h"

using namespace theorems;
using namespace judge_kit;

namespace {

constexpr const char* kClaim = "Prove: 37*24 + 8*9 + 15^2 == 12 (mod 17)";
constexpr const char* kProof =
    "1. 37*24 = 888 = 52*17+4 [calc]\n"
    "2. 8*9 = 72 = 4*17+4 [calc]\n"
    "3. 15^2 = 225 = 13*17+4 [calc]\n"
    "4. 4+4 = 8 [add 1 2]\n"
    "5. 8+4 = 12 [add 4 3]\n"
    "6. goal [5]\n"
    "QED\n";

constexpr const char* kCubeClaim = "Prove: 2*3 + 5^3 == 12 (mod 17)";
constexpr const char* kCubeProof =
    "1. 2*3 = 6 [calc]\n"
    "2. 5^2 = 25 = 1*17+8 [calc]\n"
    "3. 8*5 = 40 = 2*17+6 [mul 2]\n"
    "4. 6+6 = 12 [add 1 3]\n"
    "5. goal [4]\n"
    "QED\n";

std::string with(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Report judged(const std::string& claim, const std::string& proof) {
  return check({Family::Congruence, claim}, proof);
}

std::string canonical(const std::string& text) {
  const auto read = read_statement(text);
  REQUIRE_MESSAGE(std::holds_alternative<Statement>(read), text);
  return congruence_rules().canonical(std::get<Statement>(read).text);
}

// What the two judges say of one proof; a count of each score.
struct Counts {
  std::array<int, 3> scores = {};
  int differing = 0, unsound = 0;
  std::string example = {};

  void compare(const std::string& statement, const std::string& proof) {
    const Report report = judged(statement, proof);
    const slow::Judgement slowly = slow::judge_congruence(statement, proof);
    ++scores[std::size_t(report.halves)];
    if (report.halves != slowly.halves || letters_of(report.lines) != slowly.statuses) {
      ++differing;
      example = statement + "\n" + proof + letters_of(report.lines) + " " + slowly.statuses;
    }
    if (report.halves == 2 &&
        (!slow::congruence_is_true(statement) || !slow::terms_off(statement, proof).empty())) {
      ++unsound;
      example = statement + "\n" + proof;
    }
  }
};

// A statement, half of the time one with another right side, and a right or spoilt proof of it.
void compare_many(int pairs, int edits, uint64_t seed, Counts& counts) {
  const FamilyRules& rules = congruence_rules();
  for (int i = 0; i < pairs; ++i) {
    Random random(seed_of(seed, uint64_t(i)));
    const std::string statement = rules.sample(int(random.between(1, 5)), random);
    const Proof right = rules.prove(statement, random).value();
    const Proof proof = random.chance(0.2) ? right : rules.spoil(statement, right, random).proof;
    const std::size_t mod = statement.find(" (mod");
    const std::string other =
        random.chance(0.1) ? statement.substr(0, mod) + "1" + statement.substr(mod) : statement;
    std::string text = to_text(proof);
    for (int edit = 0; edit < edits; ++edit) text = edited(text, random);
    counts.compare(other, text);
  }
}

}  // namespace

TEST_SUITE("theorems/congruence") {
  TEST_CASE("the proof of the header earns 1, and each line is worked out in small steps") {
    const Report report = judged(kClaim, kProof);
    CHECK(report.halves == 2);
    CHECK(letters_of(report.lines) == "oooooo");
    CHECK_FALSE(report.first_flaw.has_value());
    CHECK(told(report.lines[0]) ==
          "ok none: 37*20=740 37*4=148 740+148=888; 52*10=520 52*7=364 520+364=884 884+4=888");
    CHECK(told(report.lines[3]) == "ok none: 1:4 2:4; 4+4=8");
    CHECK(told(report.lines[5]) == "ok none: 37*24:1 8*9:2 15^2:3; 5:12=12");
  }

  TEST_CASE("a wrong value that counts costs everything, and what uses it depends on it") {
    const Report report = judged(
        kClaim, with(with(with(kProof, "888 = 52*17+4", "889 = 52*17+5"), "4+4 = 8", "5+4 = 9"),
                     "8+4 = 12", "9+4 = 13"));
    CHECK(report.halves == 0);
    CHECK(letters_of(report.lines) == "wooddw");
    CHECK(report.lines[0].defect == Defect::Value);
    CHECK(report.lines[0].remedy == "37*24 = 888 = 52*17+4 [calc]");
    CHECK(report.lines[3].because == std::vector<int>{1});
    CHECK(report.lines[4].because == std::vector<int>{4});
    CHECK(report.first_flaw == 1);
  }

  TEST_CASE("each flaw without effect on what follows costs half") {
    const auto flaw = [](const char* from, const char* to) {
      const Report report = judged(kClaim, with(kProof, from, to));
      CHECK(report.halves == 1);
      return report.lines[std::size_t(*report.first_flaw - 1)].defect;
    };
    CHECK(flaw("37*24 = 888 =", "37*24 = 889 =") == Defect::Slip);
    CHECK(flaw("37*24 = 888 = 52", "37*24 = 888 = 51") == Defect::Slip);
    CHECK(flaw("37*24 = 888 =", "37*24 =") == Defect::NoIntermediate);
    CHECK(flaw("[add 1 2]", "[add 1]") == Defect::Reference);
    CHECK(flaw("[add 1 2]", "[]") == Defect::Reference);
    CHECK(flaw("+4 [calc]", "+4 []") == Defect::Reference);
    CHECK(flaw("goal [5]", "goal []") == Defect::Reference);
    CHECK(flaw("6. goal [5]\n", "") == Defect::NoGoal);
  }

  TEST_CASE("a goal that leaves a term out is wrong and names it") {
    const Report report = judged(kClaim,
                                 "1. 37*24 = 888 = 52*17+4 [calc]\n"
                                 "2. 8*9 = 72 = 4*17+4 [calc]\n"
                                 "3. 4+4 = 8 [add 1 2]\n"
                                 "4. goal [3]\nQED\n");
    CHECK(report.halves == 0);
    CHECK(told(report.lines[3]) == "wrong missing: 37*24:1 8*9:2 15^2:none");
  }

  TEST_CASE("a term may not be counted twice nor be another one") {
    CHECK(judged(kClaim, with(kProof, "8+4 = 12 [add 4 3]", "8+4 = 12 [add 4 2]")).halves == 0);
    const Report report = judged(kClaim, with(kProof, "8*9 = 72", "9*9 = 81"));
    CHECK(report.halves == 0);
    CHECK(told(report.lines[1]) == "wrong operand: 9*9 none");
  }

  TEST_CASE("a line that cites itself or a later one is wrong") {
    for (const char* later : {"[add 4 2]", "[add 1 5]", "[add 1 200]", "[add 9999 2]"}) {
      const Report report = judged(kClaim, with(kProof, "[add 1 2]", later));
      CHECK(report.halves == 0);
      CHECK(report.lines[3].defect == Defect::Order);
    }
    CHECK(judged(kClaim, with(kProof, "goal [5]", "goal [6]")).lines[5].defect == Defect::Order);
  }

  TEST_CASE("a cube takes two lines, and its square is no term of the sum") {
    CHECK(judged(kCubeClaim, kCubeProof).halves == 2);
    // 6 + 6 + 8 = 20 = 17 + 3: with the square added, a false claim would have all its terms.
    const Report report =
        judged("Prove: 2*3 + 5^3 == 3 (mod 17)",
               with(kCubeProof, "5. goal [4]", "5. 12+8 = 20 = 1*17+3 [add 4 2]\n6. goal [5]"));
    CHECK(report.halves == 0);
    CHECK(told(report.lines[4]) == "wrong operand: 4:12 2:none not 12+8");
  }

  TEST_CASE("doubling a sum again and again does not bring its count round to what is asked") {
    // 2^32 times 3, modulo 7 = 5, and once more 3: if counts ran over at 2^32, 3 would be "3 == 1".
    std::string proof = "1. 3 = 0*7+3 [calc]\n";
    int64_t remainder = 3;
    int line = 1;
    const auto add_line = [&](int64_t other, int a, int b) {
      const int64_t sum = remainder + other;
      proof += std::to_string(++line) + ". " + std::to_string(remainder) + "+" +
               std::to_string(other) + " = " + std::to_string(sum);
      if (sum >= 7) proof += " = 1*7+" + std::to_string(sum % 7);
      proof += " [add " + std::to_string(a) + " " + std::to_string(b) + "]\n";
      remainder = sum % 7;
    };
    for (int i = 0; i < 32; ++i) add_line(remainder, line, line);
    add_line(3, line, 1);
    REQUIRE(remainder == 1);
    proof += "35. goal [34]\nQED\n";
    CHECK(judged("Prove: 3 == 1 (mod 7)", proof).halves == 0);
  }

  TEST_CASE("numbers beyond thirty digits are refused, not wrapped") {
    const std::string huge(30, '9');
    const Report report = judged(kClaim, with(kProof, "888 = 52*17+4", "888 = " + huge + "*17+4"));
    CHECK(report.halves == 0);
    CHECK(report.lines[0].defect == Defect::Unreadable);
    CHECK(report.first_flaw == 1);
    CHECK(judged(kClaim, with(kProof, "888 =", huge + "0 =")).lines[0].defect ==
          Defect::Unreadable);
  }

  TEST_CASE("statements that differ in order or in the order of factors have one canonical form") {
    const std::string first = canonical(kClaim);
    CHECK(canonical("Prove: 15^2 + 9*8 + 24*37 == 12 (mod 17)") == first);
    CHECK(canonical("15*15+8*9+37*24==12(mod 17)") == first);
    CHECK(canonical("Prove: 37*24 + 8*9 + 15^2 == 29 (mod 17)") != first);
    CHECK(canonical("Prove: 37*24 + 8*9 + 15^3 == 12 (mod 17)") != first);
    CHECK(canonical("Prove: 37*24 + 8*9 + 15^2 == 12 (mod 19)") != first);
  }

  TEST_CASE("a false claim has no proof") {
    Random random(1);
    CHECK_FALSE(congruence_rules().prove("Prove: 2*3 == 5 (mod 7)", random).has_value());
    CHECK(congruence_rules().prove("Prove: 2*3 == 13 (mod 7)", random).has_value());
  }

  TEST_CASE("what the sampler makes is true and proved with 1, at every level") {
    for (int level = 1; level <= kLevels; ++level)
      for (uint64_t i = 0; i < 200; ++i) {
        Random random(seed_of(uint64_t(level), i));
        const std::string statement = congruence_rules().sample(level, random);
        CHECK(slow::congruence_is_true(statement));
        const std::string proof = to_text(congruence_rules().prove(statement, random).value());
        CHECK(judged(statement, proof).halves == 2);
      }
  }

  TEST_CASE("spoilt proofs earn every score") {
    Counts counts;
    compare_many(3000, 0, 11, counts);
    for (const int score : counts.scores) CHECK(score > 450);
  }

  TEST_CASE("the checker and a second one of other code agree on right, spoilt and edited proofs") {
    Counts counts;
    compare_many(4000, 0, 1, counts);
    compare_many(4000, 1, 2, counts);
    compare_many(2000, 3, 3, counts);
    INFO(counts.example);
    CHECK(counts.differing == 0);
    CHECK(counts.unsound == 0);
  }
}

TEST_SUITE("slow/theorems/congruence") {
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
