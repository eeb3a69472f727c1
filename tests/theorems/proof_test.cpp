#include "theorems/proof.h"

#include <doctest/doctest.h>

#include "theorems/random.h"

using namespace theorems;

namespace {

// "line 2: does not begin with "2."", or "read".
std::string outcome(std::string_view text) {
  const auto read = read_proof(text);
  if (const auto* unreadable = std::get_if<Unreadable>(&read))
    return "line " + std::to_string(unreadable->line) + ": " + unreadable->reason;
  return "read";
}

Proof proof_of(std::string_view text) {
  REQUIRE(outcome(text) == "read");
  return std::get<Proof>(read_proof(text));
}

std::string many_lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 1; i <= count; ++i) text += std::to_string(i) + ". a []\n";
  return text + "QED\n";
}

}  // namespace

TEST_SUITE("theorems/proof") {
  TEST_CASE("a line is its number, its body, its rule and its references") {
    const Proof proof =
        proof_of("1. 37*24 = 888 [calc]\n2. 4+4 = 8 [add 1 12]\n3. goal [2]\nQED\n");
    REQUIRE(proof.lines.size() == 3);
    CHECK(proof.lines[0].body == "37*24 = 888");
    CHECK(proof.lines[0].rule == "calc");
    CHECK(proof.lines[1].refs == std::vector<int>{1, 12});
    CHECK(proof.lines[2].rule.empty());
    CHECK(proof.lines[2].refs == std::vector<int>{2});
    CHECK(proof.lines[2].text == "3. goal [2]");
  }

  TEST_CASE("a proof's text reads back as the proof") {
    const std::string text = "1. a [calc]\n2. b [add 1]\n3. c [2]\n4. d []\nQED\n";
    CHECK(to_text(proof_of(text)) == text);
  }

  TEST_CASE("blank lines, blanks at the ends of lines and a missing last line end are free") {
    CHECK(to_text(proof_of("\n  1. a   [ calc  2 ] \r\n\n\t2. b []\r\nQED")) ==
          "1. a [calc 2]\n2. b []\nQED\n");
  }

  TEST_CASE("the last bracket is the rule's: a body may have brackets of its own") {
    CHECK(proof_of("1. f[x] = 2 [calc]\nQED").lines[0].body == "f[x] = 2");
  }

  TEST_CASE("what is no proof is told by line and reason") {
    CHECK(outcome("") == "line 0: there is no QED at the end");
    CHECK(outcome("QED") == "line 1: there is no line");
    CHECK(outcome("1. a []") == "line 1: there is no QED at the end");
    CHECK(outcome("1. a []\nQED\n2. b []") == "line 3: something stands behind QED");
    CHECK(outcome("1. a []\nQED\nQED") == "line 3: something stands behind QED");
    CHECK(outcome("1. a []\n3. b []\nQED") == "line 2: does not begin with \"2.\"");
    CHECK(outcome("0. a []\nQED") == "line 1: does not begin with \"1.\"");
    CHECK(outcome("01. a []\nQED") == "line 1: does not begin with \"1.\"");
    CHECK(outcome("We see.\nQED") == "line 1: does not begin with \"1.\"");
    CHECK(outcome("1. a\nQED") == "line 1: does not end in a rule in brackets");
    CHECK(outcome("1. a [x\nQED") == "line 1: does not end in a rule in brackets");
    CHECK(outcome("1. [calc]\nQED") == "line 1: says nothing");
    CHECK(outcome("1. a [calc add]\nQED") ==
          "line 1: \"add\" in the brackets is neither a rule nor the number of a line");
  }

  TEST_CASE("references are numbers from 1 to 9999") {
    for (const char* bad : {"0", "-1", "01", "10000", "1.5", "99999999999999999999", "1,2", "Add"})
      CHECK(outcome("1. a [calc " + std::string(bad) + "]\nQED") ==
            "line 1: \"" + std::string(bad) +
                "\" in the brackets is neither a rule nor the number of a line");
    CHECK(proof_of("1. a [9999]\nQED").lines[0].refs == std::vector<int>{9999});
  }

  TEST_CASE("lines, bytes and references are limited") {
    CHECK(outcome(many_lines(kProofLinesMax)) == "read");
    CHECK(outcome(many_lines(kProofLinesMax + 1)) == "line 201: more than 200 lines");
    const std::string fits = "1. " + std::string(kLineBytesMax - 6, 'a') + " []";
    CHECK(fits.size() == kLineBytesMax);
    CHECK(outcome(fits + "\nQED") == "read");
    CHECK(outcome("1. a" + fits.substr(3) + "\nQED") == "line 1: longer than a line may be");
    std::string refs;
    for (int i = 0; i < 100; ++i) refs += " 1";
    CHECK(outcome("1. a [" + refs + "]\nQED") == "read");
    CHECK(outcome("1. a [" + refs + " 1]\nQED") == "line 1: more references than a line may have");
  }

  TEST_CASE("random bytes are read or refused, never more") {
    Random random(1);
    for (int i = 0; i < 20'000; ++i) {
      std::string text;
      const std::string_view common = "1. []2\nQED";
      for (int64_t bytes = random.below(40); bytes > 0; --bytes)
        text += random.chance(0.7) ? common[std::size_t(random.below(int64_t(common.size())))]
                                   : char(random.below(256));
      const auto read = read_proof(text);
      if (const auto* proof = std::get_if<Proof>(&read))
        for (std::size_t line = 0; line < proof->lines.size(); ++line)
          CHECK(proof->lines[line].number == int(line) + 1);
      else
        CHECK_FALSE(std::get<Unreadable>(read).reason.empty());
    }
  }
}
