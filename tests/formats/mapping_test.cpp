#include "formats/mapping.h"

#include <doctest/doctest.h>

#include <array>

using formats::Choices;
using formats::Target;

namespace {

Choices choose(const std::vector<std::string>& columns, const formats::Mapping& asked = {}) {
  return formats::choose_columns(columns, asked, std::array{Target::Statement}, "a.csv");
}

std::string column(const Choices& choices, Target target) {
  const std::string* name = choices.column_of(target);
  return name ? *name : "";
}

}  // namespace

TEST_SUITE("formats/mapping") {
  TEST_CASE("a mapping reads as ours = theirs") {
    const formats::Mapping mapping =
        formats::parse_mapping("question=problem, id = name,rubric=a\\,b c");

    CHECK(mapping == formats::Mapping{{Target::Statement, "problem"},
                                      {Target::Id, "name"},
                                      {Target::Rubric, "a,b c"}});
    CHECK(formats::parse_mapping("").empty());
  }

  TEST_CASE("an unknown, empty or repeated word is refused with what is known") {
    CHECK_THROWS_WITH(formats::parse_mapping("qestion=x"),
                      doctest::Contains("did you mean \"question\"?"));
    CHECK_THROWS_WITH(formats::parse_mapping("id"), doctest::Contains("is not WORD=COLUMN"));
    CHECK_THROWS_WITH(formats::parse_mapping("id="), doctest::Contains("is not WORD=COLUMN"));
    CHECK_THROWS_WITH(formats::parse_mapping("problem=a,question=b"),
                      "--map: the statement is given twice");
  }

  TEST_CASE("known sources are told by their columns") {
    struct Case {
      std::string known_as;
      std::vector<std::string> columns;
      std::string id, statement, reference, rubric, proof, mark;
    };
    const std::vector<Case> cases = {
        {"DeepSeek-Math-V2 outputs",
         {"question", "problem_idx", "solution", "grading guidelines", "model_prediction"},
         "problem_idx",
         "question",
         "solution",
         "grading guidelines",
         "model_prediction.proof",
         "model_prediction.human_rating"},
        {"DeepSeek-Math-V2 inputs",
         {"id", "question", "answer", "contest", "problem_idx"},
         "problem_idx",
         "question",
         "",
         "",
         "",
         ""},
        {"IMO-ProofBench",
         {"Problem ID", "Problem", "Solution", "Grading guidelines", "Short Answer", "Source"},
         "Problem ID",
         "Problem",
         "Solution",
         "Grading guidelines",
         "",
         ""},
        {"IMO-AnswerBench",
         {"Problem ID", "Problem", "Short Answer", "Category"},
         "Problem ID",
         "Problem",
         "",
         "",
         "",
         ""},
        {"MathArena",
         {"problem_idx", "problem", "gold_answer", "grading_scheme"},
         "problem_idx",
         "problem",
         "",
         "grading_scheme",
         "",
         ""},
        {"MathArena, judged proofs",
         {"problem_idx", "problem", "idx_answer", "answer", "points_judge_1", "max_points_judge_1"},
         "problem_idx",
         "problem",
         "",
         "",
         "answer",
         "points_judge_1"},
        {"QED-Nano",
         {"problem", "answer", "solution", "grading_guidelines", "model_solution", "score"},
         "",
         "problem",
         "solution",
         "grading_guidelines",
         "model_solution",
         ""},
        {"Open Proof Corpus",
         {"problem_id", "problem", "solutions", "grading_scheme", "attempts"},
         "problem_id",
         "problem",
         "solutions.0.solution",
         "grading_scheme",
         "",
         ""},
        {"Inspect samples", {"id", "input", "target", "metadata"}, "id", "input", "", "", "", ""},
        {"OpenAI batch",
         {"custom_id", "method", "url", "body"},
         "custom_id",
         "body.messages",
         "",
         "",
         "",
         ""},
        {"MATH",
         {"problem", "solution", "level", "unique_id"},
         "unique_id",
         "problem",
         "solution",
         "",
         "",
         ""},
        {"", {"question", "answer"}, "", "question", "", "", "", ""},
        {"",
         {"ID", "Problem_Statement", "Student Solution", "Human mark"},
         "ID",
         "Problem_Statement",
         "",
         "",
         "Student Solution",
         "Human mark"},
    };
    for (const Case& c : cases) {
      const Choices choices = choose(c.columns);
      CAPTURE(c.known_as);
      CAPTURE(c.columns);
      CHECK(choices.known_as == c.known_as);
      CHECK(column(choices, Target::Id) == c.id);
      CHECK(column(choices, Target::Statement) == c.statement);
      CHECK(column(choices, Target::Reference) == c.reference);
      CHECK(column(choices, Target::Rubric) == c.rubric);
      CHECK(column(choices, Target::Proof) == c.proof);
      CHECK(column(choices, Target::Mark) == c.mark);
    }
  }

  TEST_CASE("what is asked for goes before what is known") {
    const Choices choices =
        choose({"Problem ID", "Problem", "Grading guidelines", "Source"}, {{Target::Id, "Source"}});

    CHECK(column(choices, Target::Id) == "Source");
    CHECK(to_text(choices.list.at(0)) == "id = \"Source\" (asked for)");
  }

  TEST_CASE("a missing column is refused with the columns, the nearest one and the remedy") {
    CHECK_THROWS_WITH(choose({"id", "qestion"}),
                      "a.csv: no column for the statement among \"id\", \"qestion\"; did you mean "
                      "\"qestion\"? Name it with --map statement=qestion");
    CHECK_THROWS_WITH(choose({"id", "problem"}, {{Target::Proof, "prof"}}),
                      doctest::Contains("--map asks for the column \"prof\""));
  }

  TEST_CASE("a name with a dot is a name before it is a path") {
    formats::Record record{.place = {"a", 1},
                           .fields = {{"a.b", {formats::Kind::String, "name"}},
                                      {"a", {formats::Kind::Object, R"({"b":"path","c":"d"})"}}}};

    CHECK(formats::value_of(record, "a.b")->text == "name");
    CHECK(formats::value_of(record, "a.c")->text == "d");
    CHECK_FALSE(formats::value_of(record, "a.x"));
  }
}
