#include "training/own_work.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

using training::OwnWork;

TEST_SUITE("training/own_work") {
  TEST_CASE("what was written is read") {
    const support::TempDir folder;
    const std::vector<OwnWork> work = {
        {{theorems::Family::Witness, "Find x: 7*x == 3 (mod 31)"},
         "1. goal [1]\nQED",
         "VERDICT: 0"},
        {{theorems::Family::Congruence, "Prove: 58*3 + 17*3 == 1 (mod 7)"}, "\"quoted\" \xff", ""}};

    training::write_own_work(folder / "own.jsonl", work);
    const std::vector<OwnWork> read = training::read_own_work(folder / "own.jsonl");

    REQUIRE(read.size() == 2);
    CHECK(read[0].statement.family == theorems::Family::Witness);
    CHECK(read[0].proof == "1. goal [1]\nQED");
    CHECK(read[0].evaluation == "VERDICT: 0");
    CHECK(read[1].proof == "\"quoted\" \xef\xbf\xbd");
  }

  TEST_CASE("a line that is none is named with its number") {
    const support::TempDir folder;
    const auto refused = [&](const std::string& line) {
      const std::filesystem::path file = folder / "own.jsonl";
      std::ofstream(file) << "\n" << line << "\n";
      try {
        training::read_own_work(file);
      } catch (const training::OwnWorkRefused& error) {
        return std::string(error.what()).substr(file.string().size());
      }
      return std::string("accepted");
    };
    CHECK(refused("{") ==
          ", line 2: this is no JSON object; write the file anew with `train sample`");
    CHECK(refused(R"({"statement": "Prove: 1 < 2", "proof": "", "evaluation": ""})") ==
          ", line 2: this is no statement of the domain: Prove: 1 < 2; write the file anew with "
          "`train sample`");
    CHECK(refused(R"json({"statement": "Find x: 7*x == 3 (mod 31)", "proof": ""})json") ==
          ", line 2: there is no text \"evaluation\"; write the file anew with `train sample`");
    CHECK_THROWS_AS(training::read_own_work(folder / "none.jsonl"), training::OwnWorkRefused);
  }
}
