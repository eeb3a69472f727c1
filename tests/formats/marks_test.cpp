#include "formats/marks.h"

#include <doctest/doctest.h>

namespace {

std::string outcome(const formats::MarkQuery& query) {
  const auto result = formats::fraction_of(query);
  if (const double* fraction = std::get_if<double>(&result)) return std::to_string(*fraction);
  return std::get<std::string>(result);
}

}  // namespace

TEST_SUITE("formats/marks") {
  TEST_CASE("a contest is known by a whole run of letters") {
    CHECK(formats::contest_max("CMO2024-1") == 21);
    CHECK(formats::contest_max("IMO2025-6") == 7);
    CHECK(formats::contest_max("Putnam2024-A1") == 10);
    CHECK(formats::contest_max("PB-Advanced-002") == 7);
    CHECK(formats::contest_max("IMO-ProofBench-Basic") == 7);
    CHECK_FALSE(formats::contest_max("USAMO2025-1"));
    CHECK_FALSE(formats::contest_max("pbr-1"));
  }

  TEST_CASE("a mark is divided by the maximum that is nearest to it") {
    CHECK(
        outcome({.mark = "3", .max_asked = "", .max_column = "", .id = "IMO2025-1", .place = {}}) ==
        "0.428571");
    CHECK(outcome({.mark = "6/8", .max_asked = "", .max_column = "7", .id = "IMO1", .place = {}}) ==
          "0.750000");
    CHECK(outcome({.mark = "5 out of 10",
                   .max_asked = "20",
                   .max_column = "7",
                   .id = "x",
                   .place = {}}) == "0.250000");
    CHECK(outcome({.mark = "9",
                   .max_asked = "",
                   .max_column = "",
                   .id = "3",
                   .place = {"CMO2024.csv", 2}}) == "0.428571");
  }

  TEST_CASE("a mark that says nothing is refused with its place and the remedy") {
    CHECK(
        outcome(
            {.mark = "5", .max_asked = "", .max_column = "", .id = "q1", .place = {"a.csv", 3}}) ==
        "a.csv:3: the mark \"5\" has no maximum: name it with --max, or its column with --map "
        "max=COLUMN");
    CHECK(
        outcome({.mark = "8", .max_asked = "7", .max_column = "", .id = "", .place = {"a.csv", 3}})
            .find("above its maximum") != std::string::npos);
    for (const std::string bad :
         {"inf", "nan", "1e1", "-1", "+1", "0x1", "1,5", ".5", "5.", "", "good"})
      CHECK(outcome({.mark = bad, .max_asked = "7", .max_column = "", .id = "", .place = {"a", 1}})
                .find("no decimal number") != std::string::npos);
    CHECK(outcome({.mark = "1", .max_asked = "0", .max_column = "", .id = "", .place = {"a", 1}})
              .find("no positive number") != std::string::npos);
  }
}
