#include "storage/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "tests/support/temp_dir.h"

using storage::Database;
using storage::MetricPoint;
using storage::MetricRollout;
using storage::Metrics;
using Access = storage::Database::Access;

namespace {

std::string failure_of_opening(const std::filesystem::path& file, Access access) {
  try {
    Metrics metrics(file, access);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

MetricPoint point(int64_t step, const char* name, double value) {
  return {.step = step, .tokens = step * 100, .name = name, .value = value};
}

}  // namespace

TEST_SUITE("storage/metrics") {
  TEST_CASE("series are read back by run and name, in the order of steps") {
    const support::TempDir directory;
    Metrics metrics(directory / "m.db", Access::Write);
    const int64_t first = metrics.begin_run(1000, "{\"a\": 1}");
    const int64_t second = metrics.begin_run(2000, "{}");

    const MetricPoint points[] = {point(2, "loss", 0.5), point(1, "loss", 1.5),
                                  point(1, "rate", 0.02)};
    metrics.append(first, points);
    const MetricPoint other[] = {point(1, "loss", 9)};
    metrics.append(second, other);

    const auto loss = metrics.series(first, "loss");
    REQUIRE(loss.size() == 2);
    CHECK(loss[0].step == 1);
    CHECK(loss[0].tokens == 100);
    CHECK(loss[0].value == 1.5);
    CHECK(!loss[0].text);
    CHECK(loss[1].value == 0.5);
    CHECK(metrics.names(first) == std::vector<std::string>{"loss", "rate"});
    CHECK(metrics.series(first, "none").empty());
    REQUIRE(metrics.runs().size() == 2);
    CHECK(metrics.runs()[0].config == "{\"a\": 1}");
    CHECK(metrics.runs()[1].started_at == 2000);
  }

  TEST_CASE("texts, NaN and infinity are kept") {
    const support::TempDir directory;
    Metrics metrics(directory / "m.db", Access::Write);
    const int64_t run = metrics.begin_run(0, "");
    MetricPoint points[] = {point(1, "x", std::nan("")), point(2, "x", HUGE_VAL), point(3, "x", 0)};
    points[2].text = "stage \"sparse\"";

    metrics.append(run, points);

    const auto read = metrics.series(run, "x");
    REQUIRE(read.size() == 3);
    CHECK(std::isnan(read[0].value));
    CHECK(read[1].value == HUGE_VAL);
    CHECK(read[2].text == "stage \"sparse\"");
  }

  TEST_CASE("rollouts are read back by steps") {
    const support::TempDir directory;
    Metrics metrics(directory / "m.db", Access::Write);
    const int64_t run = metrics.begin_run(0, "");
    std::vector<MetricRollout> rollouts;
    for (int64_t step = 1; step <= 3; ++step)
      rollouts.push_back({.step = step,
                          .role = "verify",
                          .prompt_hash = "ab",
                          .reward = "{\"format\": 1}",
                          .prompt_tokens = 10,
                          .answer_tokens = 20 * step,
                          .mean_log_ratio = -0.25,
                          .masked = 2});

    metrics.append(run, rollouts);

    const auto read = metrics.rollouts(run, 2, 3);
    REQUIRE(read.size() == 2);
    CHECK(read[0].step == 2);
    CHECK(read[0].role == "verify");
    CHECK(read[0].prompt_hash == "ab");
    CHECK(read[0].reward == "{\"format\": 1}");
    CHECK(read[0].prompt_tokens == 10);
    CHECK(read[0].answer_tokens == 40);
    CHECK(read[0].mean_log_ratio == -0.25);
    CHECK(read[0].masked == 2);
  }

  TEST_CASE("an append that fails leaves nothing of it") {
    const support::TempDir directory;
    Metrics metrics(directory / "m.db", Access::Write);
    const int64_t run = metrics.begin_run(0, "");
    MetricPoint points[] = {point(1, "loss", 1), point(2, "loss", 2)};
    points[1].text = std::string(Metrics::kTextBytesMax + 1, 'x');

    CHECK_THROWS_AS(metrics.append(run, points), std::length_error);
    CHECK(metrics.series(run, "loss").empty());
    CHECK_THROWS_AS(metrics.append(run + 1, std::span(points, 1)),
                    storage::SqlError);  // no such run
  }

  TEST_CASE("what lies after a step can be forgotten, for one run") {
    const support::TempDir directory;
    Metrics metrics(directory / "m.db", Access::Write);
    const int64_t run = metrics.begin_run(0, ""), other = metrics.begin_run(0, "");
    const MetricPoint points[] = {point(1, "x", 1), point(2, "x", 2), point(3, "x", 3)};
    const MetricRollout rollouts[] = {{.step = 2}, {.step = 3}};
    metrics.append(run, points);
    metrics.append(run, rollouts);
    metrics.append(other, points);

    metrics.forget_after(run, 2);

    CHECK(metrics.series(run, "x").size() == 2);
    CHECK(metrics.rollouts(run, 0, 9).size() == 1);
    CHECK(metrics.series(other, "x").size() == 3);
  }

  TEST_CASE("a file can be opened again, and read while it is written") {
    const support::TempDir directory;
    int64_t run = 0;
    {
      Metrics metrics(directory / "m.db", Access::Write);
      run = metrics.begin_run(0, "");
    }
    Metrics writer(directory / "m.db", Access::Write);
    Metrics reader(directory / "m.db", Access::Read);
    const MetricPoint points[] = {point(1, "x", 1)};

    writer.append(run, points);

    CHECK(reader.series(run, "x").size() == 1);
    CHECK_THROWS_AS(reader.begin_run(0, ""), storage::SqlError);
  }

  TEST_CASE("newer files and those of other programs are refused") {
    const support::TempDir directory;
    { Metrics metrics(directory / "newer.db", Access::Write); }
    { Database(directory / "newer.db", Access::Write).execute("PRAGMA user_version = 2"); }
    { Database(directory / "other.db", Access::Write).execute("CREATE TABLE t (x)"); }
    { Database(directory / "empty.db", Access::Write).execute("PRAGMA user_version"); }

    for (const Access access : {Access::Write, Access::Read}) {
      CHECK(holds(failure_of_opening(directory / "newer.db", access),
                  "has metrics version 2, and this program knows versions up to 1"));
      CHECK(holds(failure_of_opening(directory / "other.db", access), "of another program"));
    }
    CHECK(holds(failure_of_opening(directory / "empty.db", Access::Read), "no metrics yet"));
  }
}
