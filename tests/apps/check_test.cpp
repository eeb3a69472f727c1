#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/apps/cli_kit.h"

namespace {

using Json = nlohmann::json;

constexpr const char* kClaim = "Prove: 37*24 + 8*9 == 8 (mod 17)";
constexpr const char* kProof =
    "1. 37*24 = 888 = 52*17+4 [calc]\n"
    "2. 8*9 = 72 = 4*17+4 [calc]\n"
    "3. 4+4 = 8 [add 1 2]\n"
    "4. goal [3]\n"
    "QED\n";

std::string with(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// `check` of a file of this name and content.
Told checked(const std::string& text, const std::string& name = "proof.txt",
             const std::vector<std::string>& flags = {}) {
  const support::TempDir folder;
  const InFolder inside(folder.path());
  write_file(name, text);
  std::vector<std::string> words = {"check", name};
  words.insert(words.end(), flags.begin(), flags.end());
  return elenchus(words);
}

std::string together(const std::string& proof) { return std::string(kClaim) + "\n\n" + proof; }

}  // namespace

TEST_SUITE("apps/check") {
  TEST_CASE("a right proof has score 1 and exit code 0, with each line worked out") {
    const Told told = checked(together(kProof));
    CHECK(told.code == 0);
    CHECK(told.err.empty());
    CHECK(told.out ==
          "proof.txt: Prove: 37*24 + 8*9 == 8 (mod 17)\n"
          "1. 37*24 = 888 = 52*17+4 [calc]\n"
          "   ok: 37*20=740 37*4=148 740+148=888; 52*10=520 52*7=364 520+364=884 884+4=888\n"
          "2. 8*9 = 72 = 4*17+4 [calc]\n"
          "   ok: 8*9=72; 4*17=68 68+4=72\n"
          "3. 4+4 = 8 [add 1 2]\n"
          "   ok: 1:4 2:4; 4+4=8\n"
          "4. goal [3]\n"
          "   ok: 37*24:1 8*9:2; 3:8=8\n"
          "score 1\n");
  }

  TEST_CASE("a wrong line is found with what would be right, and the exit code is 10") {
    const Told told =
        checked(together(with(with(kProof, "= 4*17+4", "= 4*17+5"), "4+4 = 8", "4+5 = 9")));
    CHECK(told.code == 10);
    CHECK(has(told.out, "2. 8*9 = 72 = 4*17+5 [calc]\n   wrong: value: 8*9=72; 4*17=68 68+5=73"));
    CHECK(has(told.out, "   better: 8*9 = 72 = 4*17+4 [calc]\n"));
    CHECK(has(told.out, "   depends on 2: 1:4 2:5; 4+5=9\n"));
    CHECK(has(told.out, "score 0; first flaw in line 2\n"));
  }

  TEST_CASE("a gap costs half and is found too") {
    const Told told = checked(together(with(kProof, "[add 1 2]", "[]")));
    CHECK(told.code == 10);
    CHECK(has(told.out, "gap: reference: "));
    CHECK(has(told.out, "score 0.5; first flaw in line 3\n"));
  }

  TEST_CASE("a heading, a title and TeX are understood") {
    for (const char* heading : {"## Solution\n", "# Proof:\n", "\n## Solution\n\n", "\n\n"}) {
      std::string text = "# A congruence\n\n";
      text += "Prove: $37 \\cdot 24 + 8 \\cdot 9 \\equiv 8 \\pmod{17}$\n";
      text += heading;
      text += kProof;
      CHECK(checked(text, "proof.md").code == 0);
    }
  }

  TEST_CASE("with --json each proof is a line with its score and a report of each line") {
    const Told told = checked(together(with(kProof, "= 888 =", "=")), "proof.txt", {"--json"});
    CHECK(told.code == 10);
    REQUIRE(lines_in(told.out) == 1);
    const Json json = Json::parse(told.out);
    CHECK(json["score"] == 0.5);
    CHECK(json["family"] == "congruence");
    CHECK(json["first_flaw"] == 1);
    REQUIRE(json["lines"].size() == 4);
    CHECK(json["lines"][0]["status"] == "gap");
    CHECK(json["lines"][0]["defect"] == "intermediate");
    CHECK(json["lines"][0]["remedy"] == "37*24 = 888 = 52*17+4 [calc]");
    CHECK(json["lines"][3]["text"] == "4. goal [3]");
    CHECK(json["lines"][3]["needed"] == true);
  }

  TEST_CASE("JSON Lines are checked one by one, and what theorems writes has score 1") {
    const Told written =
        elenchus({"theorems", "--family", "all", "-n", "10", "--proofs", "--json"});
    const Told told = checked(written.out, "set.jsonl", {"--json"});
    CHECK(told.code == 0);
    CHECK(lines_in(told.out) == 10);
    CHECK(has(told.err, "10 proof(s), 0 below 1, 0 left out"));
    std::istringstream lines(told.out);
    for (std::string line; std::getline(lines, line);) CHECK(Json::parse(line)["score"] == 1.0);
  }

  TEST_CASE("what theorems writes as text is read again") {
    const Told written = elenchus({"theorems", "--family", "deduction", "-n", "1", "--proofs"});
    CHECK(checked(written.out).code == 0);
  }

  TEST_CASE("a statement of no family is refused with its place and the nearest form") {
    const Told told = checked("Prove that there are infinitely many primes.\n\n1. goal []\nQED\n");
    CHECK(told.code == 2);
    CHECK(told.out.empty());
    CHECK(has(told.err, "proof.txt: no statement of the built-in families: "));
    CHECK(has(told.err, "the nearest form: Prove: 37*24 + 8*9 + 15^2 == 12 (mod 17)"));
  }

  TEST_CASE("a row of no family is left out, and the others are checked") {
    const std::string rows =
        Json{{"id", "a"}, {"problem", kClaim}, {"proof", kProof}}.dump() + "\n" +
        Json{{"id", "b"}, {"problem", "Prove Goldbach's conjecture"}, {"proof", kProof}}.dump() +
        "\n";
    const Told told = checked(rows, "set.jsonl");
    CHECK(told.code == 1);
    CHECK(has(told.out, "score 1\n"));
    CHECK(has(told.err, "set.jsonl:2: no statement of the built-in families"));
  }

  TEST_CASE("a proof that cannot be read has score 0 and says where") {
    const Told told = checked(together("We calculate.\nQED\n"));
    CHECK(told.code == 10);
    CHECK(has(told.out, "score 0; the proof cannot be read: line 1: does not begin with \"1.\""));
  }

  TEST_CASE("a file without proof, without statement or that is not there names the remedy") {
    const Told without_proof = checked(std::string(kClaim) + "\n");
    CHECK(without_proof.code == 2);
    CHECK(has(without_proof.err, "proof.txt: no proof; write the statement, then a blank line"));
    const Told empty = checked("\n\n");
    CHECK(empty.code == 2);
    CHECK(has(empty.err, "proof.txt: no statement; "));
    const Told absent = elenchus({"check", "/nowhere/proof.txt"});
    CHECK(absent.code == 2);
    CHECK(has(absent.err, "/nowhere/proof.txt"));
    CHECK(elenchus({"check"}).code == 2);
  }

  TEST_CASE("bytes that are not UTF-8 make valid JSON all the same") {
    const Told told = checked(together("1. \xff\xfe [calc]\nQED\n"), "proof.txt", {"--json"});
    CHECK(told.code == 10);
    CHECK(Json::parse(told.out)["score"] == 0.0);
  }

  TEST_CASE("the help begins with an example, and both commands are completed") {
    CHECK(has(elenchus({"check", "--help"}).out, "Example:\n  elenchus theorems"));
    CHECK(has(elenchus({"theorems", "--help"}).out, "Example:\n  elenchus theorems"));
    const std::string script = elenchus({"completion", "bash"}).out;
    CHECK(has(script, "check"));
    CHECK(has(script, "congruence witness divisibility induction deduction all"));
  }
}
