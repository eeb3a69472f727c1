#include "theorems/theorem.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "tests/theorems/judge_kit.h"
#include "theorems/needed.h"

using namespace theorems;

namespace {

constexpr std::array kExamples = {
    std::pair{Family::Congruence, "Prove: 37*24 + 8*9 + 15^2 == 12 (mod 17)"},
    std::pair{Family::Witness, "Find x: 7*x == 3 (mod 31)"},
    std::pair{Family::Divisibility, "Prove: 6 | n^3 + 5*n for all n"},
    std::pair{Family::Induction, "Prove: sum(i=1..n) (4*i - 1) = 2*n^2 + n for all n >= 1"},
    std::pair{Family::Deduction, "Given: p->q; q->(r&s); p. Prove: s"},
};

std::string nearest(const std::string& text) {
  const auto read = read_statement(text);
  const auto* unknown = std::get_if<NotKnown>(&read);
  if (unknown == nullptr) return "known";
  CHECK_FALSE(unknown->reason.empty());
  return unknown->nearest;
}

Split split_of_text(const std::string& text) {
  return split_of(std::get<Statement>(read_statement(text)));
}

// The sum's terms in another order, products with their factors swapped.
std::string reordered(const std::string& text, Random& random) {
  const std::size_t begin = std::string("Prove: ").size(), end = text.find(" ==");
  std::vector<std::string> terms;
  std::istringstream words(text.substr(begin, end - begin));
  for (std::string word; words >> word;)
    if (word != "+") terms.push_back(word);
  random.shuffle(terms);
  std::string sum;
  for (const std::string& term : terms) {
    const std::size_t star = term.find('*');
    sum += sum.empty() ? "" : "+";
    sum += star == std::string::npos ? term : term.substr(star + 1) + "*" + term.substr(0, star);
  }
  return "Prove: " + sum + text.substr(end);
}

// A text made of what statements and proofs are made of, and of what they are not.
std::string hostile(Random& random) {
  static const std::vector<std::string> parts = {"Prove: ",
                                                 "Find x: ",
                                                 "Given: ",
                                                 "sum(i=1..n) ",
                                                 " == ",
                                                 " (mod ",
                                                 ")",
                                                 "(",
                                                 " | ",
                                                 "->",
                                                 "p",
                                                 "n^",
                                                 "*",
                                                 "+",
                                                 "-",
                                                 "=",
                                                 " for all n",
                                                 ". ",
                                                 "\n",
                                                 "1. ",
                                                 "2. ",
                                                 "goal",
                                                 " [",
                                                 "]",
                                                 " [calc]",
                                                 " [add 1 2]",
                                                 " [0]",
                                                 " [7 9999]",
                                                 "QED",
                                                 "999999999999999999999999999999",
                                                 "1000000000000000000000000000000",
                                                 "12",
                                                 "0",
                                                 "-1",
                                                 "\\pmod{",
                                                 "\\sum_",
                                                 "{",
                                                 "}",
                                                 "$",
                                                 "\\",
                                                 "take x = ",
                                                 "case n=",
                                                 "suppose ",
                                                 "base ",
                                                 "step ",
                                                 ";",
                                                 ".",
                                                 "\xff",
                                                 "\t"};
  std::string text;
  for (int64_t count = random.below(40); count > 0; --count)
    text += random.chance(0.95) ? random.pick(parts) : std::string(1, char(random.below(256)));
  return text;
}

}  // namespace

TEST_SUITE("theorems/theorem") {
  TEST_CASE("each family's example is read as a statement of the family") {
    for (const auto& [family, text] : kExamples) {
      const auto read = read_statement(text);
      REQUIRE_MESSAGE(std::holds_alternative<Statement>(read), text);
      CHECK(std::get<Statement>(read).family == family);
      CHECK(std::get<Statement>(read).text == text);
    }
  }

  TEST_CASE("what is no statement is told the nearest form") {
    CHECK(nearest("Prove that 2+2=4") == kExamples[0].second);
    CHECK(nearest("Find a prime above 100") == kExamples[1].second);
    CHECK(nearest("Prove: 6 | sin(n)") == kExamples[2].second);
    CHECK(nearest("Prove: sum(i=1..n) sin(i) = 2") == kExamples[3].second);
    CHECK(nearest("Given: nothing") == kExamples[4].second);
    CHECK(nearest("") == kExamples[0].second);
    CHECK(nearest(std::string(kStatementBytesMax + 1, '1')) == kExamples[0].second);
  }

  TEST_CASE("about 2 % of all statements are for tests, 2 % for development") {
    for (const Family family : {Family::Congruence, Family::Deduction}) {
      std::array<int, 3> counts = {};
      Random random(1);
      for (int i = 0; i < 20'000; ++i)
        ++counts[std::size_t(split_of({family, rules_of(family).sample(3, random)}))];
      CHECK(std::abs(counts[int(Split::Test)] - 400) < 100);  // five deviations of 20
      CHECK(std::abs(counts[int(Split::Dev)] - 400) < 100);
    }
  }

  TEST_CASE("a statement in another order falls into the same split") {
    Random random(2);
    int spared = 0;
    for (int i = 0; i < 3000; ++i) {
      const std::string text = rules_of(Family::Congruence).sample(4, random);
      const std::string other = reordered(text, random);
      CHECK(split_of_text(text) == split_of_text(other));
      spared += split_of_text(text) != Split::Train ? 1 : 0;
    }
    CHECK(spared > 50);
  }

  TEST_CASE("canonical forms do not change from version to version: splits are recorded") {
    std::string spared;
    Random random(3);
    for (int i = 0; i < 100; ++i) {
      const Split split =
          split_of({Family::Congruence, rules_of(Family::Congruence).sample(3, random)});
      if (split == Split::Test) spared += " test " + std::to_string(i);
      if (split == Split::Dev) spared += " dev " + std::to_string(i);
    }
    CHECK(spared == " test 9 test 59 dev 90");
  }

  TEST_CASE("samples fall into the split that is asked, for every family and level") {
    for (const Family family : kFamilies)
      for (int level = 1; level <= kLevels; ++level)
        for (const Split split : {Split::Train, Split::Dev, Split::Test}) {
          Random random(seed_of(uint64_t(level), uint64_t(split)));
          const Statement statement = sample(family, level, split, random);
          CHECK(statement.family == family);
          CHECK(split_of(statement) == split);
        }
  }

  TEST_CASE("an unreadable proof earns 0, has no lines and says why") {
    const Report report = check({Family::Congruence, kExamples[0].second}, "It is clear.\nQED");
    CHECK(report.halves == 0);
    CHECK(report.lines.empty());
    CHECK(report.unreadable == "line 1: does not begin with \"1.\"");
    CHECK_FALSE(report.first_flaw.has_value());
  }

  TEST_CASE("the score is 0 for a wrong line that is needed, a half for any other flaw") {
    const auto score = [](std::vector<LineReport> lines) { return halves_of(lines); };
    const LineReport ok{.status = Status::Ok, .needed = true};
    CHECK(score({}) == 0);
    CHECK(score({ok, ok}) == 2);
    CHECK(score({ok, {.status = Status::Wrong, .needed = true}}) == 0);
    CHECK(score({ok, {.status = Status::Wrong, .needed = false}}) == 1);
    CHECK(score({ok, {.status = Status::Gap, .needed = true}}) == 1);
    CHECK(score({ok, {.status = Status::Depends, .needed = true}}) == 2);
  }

  TEST_CASE("what the root uses is needed, directly or not, and nothing else") {
    std::vector<LineReport> lines(6);
    mark_needed(lines, {{}, {}, {1}, {2}, {3}, {5, 5}}, 5);
    std::string needed;
    for (const LineReport& line : lines) needed += line.needed ? 'x' : '.';
    CHECK(needed == "x.x.x.");
    std::vector<LineReport> none(2);
    mark_needed(none, {{}, {1}}, 0);
    CHECK_FALSE((none[0].needed || none[1].needed));
  }

  TEST_CASE("hostile texts are refused or judged, never more, and never earn 1") {
    Random random(4);
    for (int i = 0; i < 20'000; ++i) {
      const std::string text = hostile(random);
      CHECK_NOTHROW(read_statement(text));
      for (const auto& [family, statement] : kExamples) {
        Report report;
        CHECK_NOTHROW(report = check({family, statement}, text));
        CHECK(report.halves < 2);
      }
    }
  }

  TEST_CASE("proofs with random changes are judged without an exception, in every family") {
    for (const Family family : kFamilies) {
      const FamilyRules& rules = rules_of(family);
      for (uint64_t i = 0; i < 1000; ++i) {
        Random random(seed_of(i, uint64_t(family)));
        const std::string statement = rules.sample(int(random.between(1, 4)), random);
        const Proof right = rules.prove(statement, random).value();
        std::string text = to_text(rules.spoil(statement, right, random).proof);
        for (int64_t edits = random.below(4); edits > 0; --edits)
          text = judge_kit::edited(text, random);
        Report report;
        CHECK_NOTHROW(report = check({family, statement}, text));
        for (const LineReport& line : report.lines) CHECK_FALSE(line.working.empty());
      }
    }
  }
}
