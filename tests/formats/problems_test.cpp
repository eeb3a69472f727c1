#include "formats/problems.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "formats/documents.h"
#include "formats/json.h"
#include "formats/jsonl.h"
#include "formats/marks.h"

using formats::Duplicates;
using formats::Format;
using formats::Need;
using formats::Table;
using formats::table_of;

namespace {

const std::string kData = std::string(SOURCE_DIR) + "/../shared/data/";

const formats::Value* metadata(const formats::Submission& row, std::string_view name) {
  for (const formats::Field& field : row.problem.metadata)
    if (field.name == name) return &field.value;
  return nullptr;
}

}  // namespace

TEST_SUITE("formats/problems") {
  TEST_CASE("DeepSeek outputs bring proof, mean and human mark out of their nested object") {
    const Table table = table_of(
        R"({"question":"Q","problem_idx":"IMO2025-1","grading guidelines":"G","level":"hard",)"
        R"("model_prediction":{"proof":"P","average_automatic_rating":0.5,"human_rating":6,"x":1}})",
        "a.jsonl", {.need = Need::Proof, .mapping = {}});

    REQUIRE(table.rows.size() == 1);
    const formats::Submission& row = table.rows[0];
    CHECK(row.problem.id == "IMO2025-1");
    CHECK(row.problem.statement == "Q");
    CHECK(row.problem.rubric == "G");
    CHECK(row.proof == "P");
    CHECK(row.mark == "6");
    CHECK(row.mean == "0.5");
    CHECK(metadata(row, "level")->text == "hard");
    CHECK(metadata(row, "model_prediction.x")->text == "1");
    CHECK(row.problem.metadata.size() == 2);
  }

  TEST_CASE("an id is never a new number, and where none is given its source is plain") {
    CHECK(table_of("id,problem\n007,A\n", "a.csv").rows[0].problem.id == "007");
    CHECK(table_of("problem\nA\nB\n", "dir/a.csv").rows[1].problem.id == "a:3");
    CHECK(table_of(R"([{"question":" A\n","contest":"x"}])", "a.json").rows[0].problem.id ==
          "559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd");
  }

  TEST_CASE("empty, null and None are nothing") {
    const Table table =
        table_of("id,problem,answer,solution\n1,A,null,None\n2,null,1,\n3,B, ,x\n", "a.csv");

    REQUIRE(table.rows.size() == 2);
    CHECK(table.rows[0].problem.answer.empty());
    CHECK(table.rows[0].problem.reference.empty());
    CHECK(table.rows[1].problem.answer.empty());
    CHECK(to_text(table.errors.at(0)) == "a.csv:3: no statement in this row");
  }

  TEST_CASE("GSM8K's answer stands behind ####, its reference before") {
    const Table table = table_of(R"({"question":"Q","answer":"2+2\n#### 4"})"
                                 "\n",
                                 "a.jsonl");

    CHECK(table.rows.at(0).problem.answer == "4");
    CHECK(table.rows.at(0).problem.reference == "2+2");
    CHECK(table.rows.at(0).problem.id == "a:1");
  }

  TEST_CASE("the last message of the user is the statement of a chat") {
    const Table table = table_of(
        R"({"custom_id":"r1","body":{"model":"m","messages":[{"role":"user","content":"old"},)"
        R"({"role":"assistant","content":"x"},{"role":"user","content":[{"type":"text","text":"new"}]}]}})",
        "a.jsonl");

    CHECK(table.rows.at(0).problem.statement == "new");
    CHECK(table.rows.at(0).problem.id == "r1");
    CHECK(metadata(table.rows[0], "body.model")->text == "m");
  }

  TEST_CASE("MathArena's marking scheme becomes words") {
    const Table table = table_of(
        R"([{"problem_idx":1,"problem":"Q","grading_scheme":[{"title":"Bound","desc":"shows it","points":3},{"title":"End","desc":"","points":4}]}])",
        "a.json");

    CHECK(
        table.rows.at(0).problem.rubric.starts_with("Bound (3 points): shows it\nEnd (4 points)"));
    CHECK(table.rows.at(0).problem.id == "1");
  }

  TEST_CASE("each attempt of the Open Proof Corpus is a row to grade") {
    const Table table = table_of(
        R"([{"problem_id":"p","problem":"Q","solutions":[{"solution":"R"}],)"
        R"("attempts":[{"model_id":"m","solution":"one"},{"model_id":"m","solution":"two"}]}])",
        "a.json", {.need = Need::Proof, .mapping = {}});

    REQUIRE(table.rows.size() == 2);
    CHECK(table.rows[1].proof == "two");
    CHECK(table.rows[1].id == "2");
    CHECK(table.rows[1].problem.id == "p");
    CHECK(table.rows[1].problem.reference == "R");
    CHECK(metadata(table.rows[1], "attempt.model_id")->text == "m");
  }

  TEST_CASE("a duplicate id is refused with both lines, or the first is kept on demand") {
    const std::string_view csv = "id,problem\n1,A\n2,B\n1,C\n";

    CHECK_THROWS_WITH(table_of(csv, "a.csv"),
                      doctest::Contains("a.csv:4: the id \"1\" stands already at a.csv:2"));
    const Table kept = table_of(csv, "a.csv", {.mapping = {}, .duplicates = Duplicates::KeepFirst});
    CHECK(kept.rows.size() == 2);
    CHECK(kept.dropped.at(0).place.line == 4);
    CHECK(table_of("id,student,problem\n1,x,A\n1,y,A\n", "a.csv").rows.size() == 2);
  }

  TEST_CASE("the user's mapping goes first") {
    const Table table =
        table_of("name,text,solution\nn,T,S\n", "a.csv",
                 {.need = Need::Proof,
                  .mapping = formats::parse_mapping("id=name,question=text,proof=solution")});

    CHECK(table.rows.at(0).problem.id == "n");
    CHECK(table.rows.at(0).proof == "S");
    CHECK(table.rows.at(0).problem.reference.empty());
  }

  TEST_CASE("an empty proof is a submission, a file without proofs is an error") {
    CHECK(table_of("id,problem,proof\n1,A,\n", "a.csv", {.need = Need::Proof, .mapping = {}})
              .rows.at(0)
              .proof.empty());
    CHECK_THROWS_WITH(table_of("id,problem\n1,A\n", "a.csv", {.need = Need::Proof, .mapping = {}}),
                      doctest::Contains("--map proof="));
  }

  TEST_CASE("the content tells the format where the name does not") {
    CHECK(table_of(R"([{"problem":"A"}])", "-").format == Format::Json);
    CHECK(table_of("{\"problem\":\"A\"}\n{\"problem\":\"B\"}\n", "-").format == Format::Jsonl);
    CHECK(table_of("{\"problem\":\n\"A\"}\n", "-").format == Format::Json);
    CHECK(table_of("id,problem\n1,A\n", "-").format == Format::Csv);
    CHECK(table_of("\\begin{problem}A\\end{problem}", "-").format == Format::Tex);
    CHECK(table_of("Show that, for all n,\nn = n.", "-").format == Format::Markdown);
    CHECK(table_of("[Hint: none] Show it.", "-").format == Format::Markdown);
    CHECK(table_of("{\"problem\":\"A\"}\n{\"problem\":\"B\"}\n", "a.json").rows.size() == 2);
    CHECK(table_of("[{\"problem\":\"A\"}]", "a.jsonl").rows.size() == 1);
    std::istringstream input("id,problem\n1,A\n");
    CHECK(formats::read_table(input, "-").rows.at(0).problem.id == "1");
  }

  TEST_CASE("Markdown is one problem, and a heading parts it from its proof") {
    const Table table = table_of("# Sum\nShow A.\n\n## Proof:\nTrivial.\n", "d/sum.md",
                                 {.need = Need::Proof, .mapping = {}});

    CHECK(table.rows.at(0).problem.id == "sum");
    CHECK(table.rows[0].problem.statement == "# Sum\nShow A.");
    CHECK(table.rows[0].proof == "Trivial.");
    CHECK(formats::split_markdown("A\n```\n## Proof\n```\nB").proof.empty());
    CHECK(formats::split_markdown("A\n**Solution**\nB").proof.empty());
    CHECK(formats::split_markdown("A\n### **Solution**\nB").proof == "B");
    CHECK(table_of("A", "a.md", {.need = Need::Proof, .mapping = {}})
              .errors.at(0)
              .reason.find("## Proof") != std::string::npos);
  }

  TEST_CASE("a document that is not UTF-8 or empty is an error with its place") {
    CHECK(to_text(table_of("ab\nc\xFF", "a.md").errors.at(0)) == "a.md:2:2: not UTF-8");
    CHECK(to_text(table_of(" \n", "a.txt").errors.at(0)) == "a.txt:1: no statement");
  }

  TEST_CASE("TeX gives its problem environments with their proofs, or its body") {
    const auto two = formats::split_tex(
        "\\documentclass{article}\n% \\begin{problem}\n\\begin{problem}A\\end{problem}\n"
        "\\begin{proof}P\\end{proof}\\begin{problem}\nB 50\\% % \\end{problem}\n\\end{problem}",
        "a.tex");
    REQUIRE(two.size() == 2);
    CHECK(two[0].statement == "A");
    CHECK(two[0].proof == "P");
    CHECK(two[0].line == 3);
    CHECK(two[1].statement == "B 50\\% % \\end{problem}");
    CHECK(two[1].proof.empty());

    const auto body = formats::split_tex(
        "x\\begin{document}\nA\n\\begin{proof}P\\end{proof}\n\\end{document}", "a.tex");
    CHECK(body.at(0).statement == "A");
    CHECK(body.at(0).proof == "P");
    CHECK(table_of("\\begin{problem}A\\end{problem}\\begin{problem}B\\end{problem}", "s.tex")
              .rows.at(1)
              .problem.id == "s-2");
    CHECK_THROWS_WITH(formats::split_tex("a\n\\begin{problem}", "a.tex"),
                      "a.tex:2:1: \\begin{problem} has no \\end{problem}");
  }

  TEST_CASE("a folder of documents is read in the order of its names") {
    const std::filesystem::path folder =
        std::filesystem::path(BINARY_DIR) / "formats_problems_test";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "b.md") << "B";
    std::ofstream(folder / "a.txt") << "A";

    const Table table = formats::read_table(folder.string());
    REQUIRE(table.rows.size() == 2);
    CHECK(table.rows[0].problem.id == "a");
    std::ofstream(folder / "c.csv") << "id\n";
    CHECK_THROWS_WITH(formats::read_table(folder.string()),
                      doctest::Contains("can be read as a folder"));
    std::filesystem::remove_all(folder);
    CHECK_THROWS_WITH(formats::read_table((folder / "no.csv").string()),
                      doctest::Contains("cannot be opened"));
  }

  TEST_CASE("errors come in the order of the file, and a file of nothing is one") {
    const Table table = table_of("{\"problem\":null}\n{\"problem\":\"A\"}\n{\n", "a.jsonl");

    REQUIRE(table.errors.size() == 2);
    CHECK(table.errors[0].place.line == 1);
    CHECK(table.errors[1].place.line == 3);
    for (const std::string name : {"a.csv", "a.jsonl", "a.json"})
      CHECK_THROWS_WITH(table_of(name == "a.json"  ? "[]"
                                 : name == "a.csv" ? "problem\n"
                                                   : "\n",
                                 name),
                        doctest::Contains("holds no problem"));
  }

  TEST_CASE("bytes, names and problems have limits") {
    std::istringstream input("12345");
    CHECK_THROWS_WITH(formats::read_stream(input, "a", 4),
                      "a: larger than 4 bytes; split the file");

    std::string object = "{\"problem\":\"A\"";
    for (std::size_t i = 0; i < formats::kColumnsMax; ++i)
      object += ",\"c" + std::to_string(i) + "\":1";
    CHECK_THROWS_WITH(table_of(object + "}\n", "a.jsonl"),
                      "a.jsonl:1: more than 1000 different names in a.jsonl");

    std::string tex;
    for (std::size_t i = 0; i <= formats::kTexProblemsMax; ++i)
      tex += "\\begin{problem}A\\end{problem}";
    CHECK_THROWS_WITH(formats::split_tex(tex, "a.tex"), "a.tex: more than 10000 problems");
  }

  TEST_CASE("the public files are read whole") {
    if (!std::filesystem::exists(kData + "imo_proofbench_v2.csv")) {
      MESSAGE("skipped: the data are not there");
      return;
    }
    const Table bench = formats::read_table(kData + "imo_proofbench_v2.csv");
    CHECK(bench.rows.size() == 60);
    CHECK(bench.errors.empty());
    CHECK(bench.choices.known_as == "IMO-ProofBench");

    std::size_t marks = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kData + "dsmv2_outputs")) {
      const Table table =
          formats::read_table(entry.path().string(), {.need = Need::Proof, .mapping = {}});
      CHECK(table.errors.empty());
      for (const formats::Submission& row : table.rows) {
        const auto fraction = formats::fraction_of({.mark = row.mark,
                                                    .max_asked = "",
                                                    .max_column = row.mark_max,
                                                    .id = row.problem.id,
                                                    .place = row.problem.place});
        marks += std::holds_alternative<double>(fraction);
      }
    }
    CHECK(marks == 84);
  }

  TEST_CASE("a file cut anywhere gives rows or an error") {
    const std::vector<std::pair<std::string, std::string>> files = {
        {"a.csv", "id,problem,proof\r\n1,\"A \"\"x\"\"\n\xC3\xA9\",P\r\n2,B,\"Q,\"\r\n"},
        {"a.jsonl",
         "{\"id\":1,\"problem\":\"A\\u00e9\",\"proof\":\"P\"}\n{\"id\":[2],\"problem\":"
         "\"\xC3\xA9\",\"proof\":null}\n"},
        {"a.json", "{\"problems\":[{\"id\":1,\"problem\":\"A\",\"proof\":{\"a\":[true]}}]}"},
        {"a.md", "# T\nA \xC3\xA9\n## Proof\nP\n"},
        {"a.tex",
         "\\begin{document}\\begin{problem}A\\end{problem}\\begin{proof}P\\end{proof}\\end{"
         "document}"},
    };
    std::size_t rows = 0, errors = 0, thrown = 0;
    for (const auto& [name, bytes] : files)
      for (std::size_t size = 0; size <= bytes.size(); ++size)
        for (const std::string ending : {"", "\"", "\xFF", "}", "\\", "\n", "\x01"})
          for (const Format format : {Format::Guess, Format::Csv, Format::Jsonl, Format::Json,
                                      Format::Markdown, Format::Tex}) {
            try {
              const Table table =
                  table_of(bytes.substr(0, size) + ending, name, {.mapping = {}, .format = format});
              rows += table.rows.size();
              errors += table.errors.size();
            } catch (const formats::FormatError&) {
              ++thrown;
            }
          }
    CHECK(rows > 0);
    CHECK(errors > 0);
    CHECK(thrown > 0);
  }
}
