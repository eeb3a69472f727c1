#include "formats/jsonl.h"

#include <doctest/doctest.h>

#include "formats/json.h"

using formats::Kind;

namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string reason(std::string_view json) {
  const auto fault = formats::find_json_fault(json);
  return fault ? std::to_string(fault->offset) + ": " + fault->reason : "";
}

}  // namespace

TEST_SUITE("formats/jsonl") {
  TEST_CASE("fields keep their order, and what is no string keeps its text") {
    const formats::Records read = formats::read_jsonl(
        "{\"b\": \"x\\ny\", \"a\": 1.50, \"c\": {\"d\": [1, \"}\"]}}", "a.jsonl");

    REQUIRE(read.records.size() == 1);
    const auto& fields = read.records[0].fields;
    REQUIRE(fields.size() == 3);
    CHECK(fields[0].name == "b");
    CHECK(fields[0].value.text == "x\ny");
    CHECK(fields[1].value.text == "1.50");
    CHECK(fields[1].value.kind == Kind::Number);
    CHECK(fields[2].value.text == "{\"d\": [1, \"}\"]}");
    CHECK(formats::jsonl_line(read.records[0]) ==
          "{\"b\":\"x\\ny\",\"a\":1.50,\"c\":{\"d\": [1, \"}\"]}}\n");
  }

  TEST_CASE("a bad line is named by line and column, and the others are read") {
    const formats::Records read = formats::read_jsonl(
        "\xEF\xBB\xBF{\"a\":1}\r\n\n{\"a\":}\n[1]\n{\"a\":\"\xFF\"}\n{\"a\":1,\"a\":2}\n{\"a\":2}",
        "a.jsonl");

    REQUIRE(read.records.size() == 2);
    CHECK(read.records[1].place.line == 7);
    REQUIRE(read.errors.size() == 4);
    CHECK(to_text(read.errors[0]).starts_with("a.jsonl:3:6: syntax error"));
    CHECK(to_text(read.errors[1]) == "a.jsonl:4:1: not a JSON object");
    CHECK(to_text(read.errors[2]) == "a.jsonl:5:7: not UTF-8");
    CHECK(to_text(read.errors[3]) == "a.jsonl:6:10: the name \"a\" occurs twice in an object");
  }

  TEST_CASE("a line, the depth and the rows have limits") {
    formats::JsonlLimits limits{.line_bytes_max = 8, .rows_max = 2};

    const formats::Records read = formats::read_jsonl("{\"a\":12345}\n{\"a\":1}\n", "a", limits);
    CHECK(read.records.size() == 1);
    CHECK(to_text(read.errors.at(0)) == "a:1:9: a line of more than 8 bytes");
    CHECK_THROWS_WITH_AS(formats::read_jsonl("{}\n{}\n{}\n", "a", limits),
                         "a:3: more than 2 rows; split the file", formats::FormatError);
    CHECK(reason(nested(64)) == "");
    CHECK(reason(nested(65)) == "64: nested more than 64 deep");
    CHECK(reason(nested(1'000'000)) == "64: nested more than 64 deep");
  }

  TEST_CASE("brackets in strings do not nest") {
    CHECK(reason("\"" + std::string(100, '[') + "\\\"" + std::string(100, '{') + "\"") == "");
  }

  TEST_CASE("NaN, half a surrogate, a trailing comma and a second value are no JSON") {
    for (const std::string_view bad : {"NaN", "\"\\ud800\"", "[1,]", "1 2", "", "{\"a\":1e999}"})
      CHECK(reason(bad) != "");
  }

  TEST_CASE("an array's elements carry the line that they start on") {
    const formats::Records read =
        formats::read_json("[\n  {\"a\": 1},\n  3,\n  {\"a\":\n 2}\n]", "a.json");

    REQUIRE(read.records.size() == 2);
    CHECK(read.records[0].place.line == 2);
    CHECK(read.records[1].place.line == 4);
    CHECK(to_text(read.errors.at(0)) == "a.json:3:3: not a JSON object");
  }

  TEST_CASE("problems may stand in an object, and one object is one problem") {
    const formats::Records list =
        formats::read_json("{\"version\": 1,\n\"problems\": [\n{\"a\": 1}]}", "a.json");
    REQUIRE(list.records.size() == 1);
    CHECK(list.records[0].place.line == 3);
    CHECK(formats::read_json("{\"a\": 1}", "a.json").records.at(0).find("a")->text == "1");
    CHECK_THROWS_AS(formats::read_json("7", "a.json"), formats::FormatError);
    CHECK_THROWS_WITH(formats::read_json("[\n{\"a\": 1,\n}]", "a.json"),
                      doctest::Contains("a.json:3:1: syntax error"));
  }

  TEST_CASE("a path leads through names and indices") {
    const std::string json = R"({"a": [{"b": "x"}, 2], "c": null})";

    CHECK(formats::value_at(json, "a.0.b")->text == "x");
    CHECK(formats::value_at(json, "a.1")->text == "2");
    CHECK(formats::value_at(json, "c")->kind == Kind::Null);
    CHECK_FALSE(formats::value_at(json, "a.2"));
    CHECK_FALSE(formats::value_at(json, "a.b"));
    CHECK_FALSE(formats::value_at(json, "c.d"));
  }
}
