#include "formats/csv.h"

#include <doctest/doctest.h>

#include <random>

using formats::CsvRow;

namespace {

std::vector<std::vector<std::string>> cells(std::string_view bytes) {
  std::vector<std::vector<std::string>> all;
  for (CsvRow& row : formats::read_csv_rows(bytes, "a.csv")) all.push_back(std::move(row.cells));
  return all;
}

std::string complaint(std::string_view bytes, const formats::CsvOptions& options = {}) {
  try {
    formats::read_csv(bytes, "a.csv", options);
    return "";
  } catch (const formats::FormatError& error) {
    return error.what();
  }
}

}  // namespace

TEST_SUITE("formats/csv") {
  TEST_CASE("quoted cells hold commas, line ends and doubled quotes") {
    CHECK(cells("a,\"b,c\"\r\n\"d\ne\",\"f\"\"g\"") ==
          std::vector<std::vector<std::string>>{{"a", "b,c"}, {"d\ne", "f\"g"}});
  }

  TEST_CASE("LF, CRLF and CR end a row, and blank lines hold nothing") {
    const std::vector<std::vector<std::string>> expected{{"a", "b"}, {"c", "d"}};

    for (const std::string_view bytes :
         {"a,b\nc,d\n", "a,b\r\nc,d", "a,b\rc,d\r", "\n\na,b\n\r\nc,d\n\n"})
      CHECK(cells(bytes) == expected);
  }

  TEST_CASE("a byte order mark is no part of the first name") {
    CHECK(formats::read_csv("\xEF\xBB\xBFid,x\n1,2\n", "a.csv").records[0].find("id")->text == "1");
  }

  TEST_CASE("a UTF-16 file is refused with the remedy") {
    CHECK(complaint("\xFF\xFEi\0d").find("save the file as UTF-8") != std::string::npos);
  }

  TEST_CASE("a row's line is where it starts, whatever its cells span") {
    const formats::Records read = formats::read_csv("id,x\n\"a\nb\nc\",1\nd,2\n", "a.csv");

    REQUIRE(read.records.size() == 2);
    CHECK(read.records[0].place.line == 2);
    CHECK(read.records[1].place.line == 5);
  }

  TEST_CASE("a broken structure is named by line and column") {
    CHECK(complaint("id,x\n1,a\"b\n").starts_with("a.csv:2:4: a quote inside a cell"));
    CHECK(complaint("id,x\n1,\"a\"b\n").starts_with("a.csv:2:6: text behind the closing quote"));
    CHECK(complaint("id,x\n1,\"a\nb\n").starts_with("a.csv:2:3: the quote that opens here"));
    CHECK(complaint("id,id\n") == "a.csv:1: column 2: a second column named \"id\"");
    CHECK(complaint("") == "a.csv: no header row with the columns' names");
  }

  TEST_CASE("one bad row does not take the others along") {
    const formats::Records read = formats::read_csv("id,x\n1,2,3\n4,\xFFz\n5,6\n", "a.csv");

    REQUIRE(read.records.size() == 1);
    CHECK(read.records[0].find("x")->text == "6");
    REQUIRE(read.errors.size() == 2);
    CHECK(to_text(read.errors[0]) == "a.csv:2: 3 cells, but the header names 2 columns");
    CHECK(to_text(read.errors[1]) == "a.csv:3: column \"x\" is not UTF-8 from its byte 1 on");
  }

  TEST_CASE("cells, columns and rows have limits") {
    CHECK(complaint("id\nabcd\n", {.cell_bytes_max = 3}) ==
          "a.csv:2:1: a cell of more than 3 bytes");
    CHECK(complaint("id\n\"abcd\"\n", {.cell_bytes_max = 3}) ==
          "a.csv:2:1: a cell of more than 3 bytes");
    CHECK(complaint("a,b,c\n", {.columns_max = 2}) == "a.csv:1:5: more than 2 columns");
    CHECK(complaint("a\nb\nc\n", {.rows_max = 2}) == "a.csv: more than 2 rows; split the file");
  }

  TEST_CASE("a blank name is the column's number") {
    CHECK(formats::read_csv(",id\n0,a\n", "a.csv").records[0].find("column 1")->text == "0");
  }

  TEST_CASE("whatever is written is read back byte for byte") {
    std::mt19937_64 random(1);
    const std::string alphabet = std::string("a,\"\r\n\t =+-@'\xEF\xBB\xBF;x") + '\0';
    for (int round = 0; round < 500; ++round) {
      std::vector<std::vector<std::string>> table(1 + random() % 3);
      std::string bytes;
      const std::size_t columns = 1 + random() % 3;
      for (auto& row : table) {
        row.resize(columns);
        for (std::string& cell : row)
          for (std::size_t n = random() % 6; n > 0; --n)
            cell += alphabet[random() % alphabet.size()];
        bytes += formats::csv_line(row);
      }
      CAPTURE(round);
      REQUIRE(cells(bytes) == table);
    }
  }

  TEST_CASE("only on demand does an apostrophe keep a spreadsheet from running a cell") {
    const std::vector<std::string> row{"=1+1", "-5", "@x", "+y", "a=b", "\t=z"};

    CHECK(formats::csv_line(row) == "=1+1,-5,@x,+y,a=b,\t=z\n");
    CHECK(formats::csv_line(row, formats::FormulaGuard::Escape) == "'=1+1,'-5,'@x,'+y,a=b,'\t=z\n");
  }
}
