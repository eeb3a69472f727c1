#include "theorems/theorem.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "formats/problems.h"
#include "tests/apps/cli_kit.h"

namespace {

using Json = nlohmann::json;

std::vector<Json> records_of(const Told& told) {
  std::vector<Json> records;
  std::istringstream lines(told.out);
  for (std::string line; std::getline(lines, line);) records.push_back(Json::parse(line));
  return records;
}

theorems::Statement statement_of(const std::string& text) {
  const auto read = theorems::read_statement(text);
  REQUIRE_MESSAGE(std::holds_alternative<theorems::Statement>(read), text);
  return std::get<theorems::Statement>(read);
}

}  // namespace

TEST_SUITE("apps/theorems") {
  TEST_CASE("without --json each line is a statement of the family") {
    const Told told = elenchus({"theorems", "--family", "witness", "-n", "5"});
    CHECK(told.code == 0);
    CHECK(told.err.empty());
    CHECK(lines_in(told.out) == 5);
    std::istringstream lines(told.out);
    for (std::string line; std::getline(lines, line);)
      CHECK(statement_of(line).family == theorems::Family::Witness);
  }

  TEST_CASE("the same seed writes the same problems, another one others") {
    const std::vector<std::string> words = {"theorems", "--level", "3", "--seed", "7", "--json"};
    std::vector<std::string> other = words;
    other[4] = "8";
    CHECK(elenchus(words).out == elenchus(words).out);
    CHECK(elenchus(words).out != elenchus(other).out);
  }

  TEST_CASE("with --json it is a problem file that solve reads") {
    const Told told = elenchus({"theorems", "--family", "all", "--level", "2", "--json"});
    const formats::Table table = formats::table_of(told.out, "problems.jsonl");
    CHECK(table.errors.empty());
    REQUIRE(table.rows.size() == 10);
    CHECK(table.rows[0].problem.id == "congruence-2-1-1");
    CHECK(table.rows[9].problem.id == "deduction-2-1-10");
    const auto records = records_of(told);
    CHECK(table.rows[3].problem.statement == records[3]["problem"]);
    CHECK(records[3]["family"] == "induction");
    CHECK(records[3]["level"] == 2);
    CHECK_FALSE(records[3].contains("proof"));
  }

  TEST_CASE("proofs of all families earn 1") {
    const Told told = elenchus({"theorems", "--family", "all", "-n", "25", "--proofs", "--json"});
    const auto records = records_of(told);
    REQUIRE(records.size() == 25);
    for (const Json& record : records)
      CHECK(theorems::check(statement_of(record["problem"]), record["proof"].get<std::string>())
                .halves == 2);
  }

  TEST_CASE("TeX names the same statements as ASCII") {
    const auto ascii = records_of(elenchus({"theorems", "--family", "all", "--json"}));
    const auto tex = records_of(elenchus({"theorems", "--family", "all", "--json", "--tex"}));
    REQUIRE(tex.size() == ascii.size());
    for (std::size_t i = 0; i < tex.size(); ++i) {
      if (tex[i]["family"] == "congruence")
        CHECK(has(tex[i]["problem"].get<std::string>(), "\\equiv"));
      CHECK(statement_of(tex[i]["problem"]).text == ascii[i]["problem"]);
    }
  }

  TEST_CASE("a split holds its own statements only, and no two alike") {
    for (const auto& [word, split] : {std::pair{"train", theorems::Split::Train},
                                      {"dev", theorems::Split::Dev},
                                      {"test", theorems::Split::Test}}) {
      const auto records =
          records_of(elenchus({"theorems", "--split", word, "--level", "3", "-n", "20", "--json"}));
      std::set<std::string> seen;
      for (const Json& record : records) {
        CHECK(theorems::split_of(statement_of(record["problem"])) == split);
        CHECK(record["split"] == word);
        seen.insert(record["problem"]);
      }
      CHECK(seen.size() == 20);
    }
  }

  TEST_CASE("more statements than there are is a fault of usage that says what to do") {
    const Told told = elenchus({"theorems", "--family", "witness", "-n", "100000"});
    CHECK(told.code == 2);
    CHECK(has(told.err, "-n 100000: no further statement of the family witness and level 1"));
    CHECK(has(told.err, "ask for fewer, or for a higher --level"));
  }

  TEST_CASE("a family, level or split that is not known is refused before anything is written") {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"theorems", "--family", "geometry"},
          {"theorems", "--level", "6"},
          {"theorems", "--level", "0"},
          {"theorems", "--split", "half"},
          {"theorems", "-n", "0"}}) {
      const Told told = elenchus(words);
      CHECK(told.code == 2);
      CHECK(told.out.empty());
      CHECK(has(told.err, words[1].substr(words[1].find_first_not_of('-'))));
    }
  }
}
