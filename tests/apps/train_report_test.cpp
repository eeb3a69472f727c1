#include "apps/train_report.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "storage/metrics.h"
#include "tests/apps/cli_kit.h"

using nlohmann::json;

namespace {

storage::Metrics metrics_in(const support::TempDir& folder) {
  return {folder / "metrics.sqlite", storage::Database::Access::Write};
}

// `steps` points of 100 tokens a step; the value is the step.
void append(storage::Metrics& metrics, int64_t run, const std::string& name, int64_t steps) {
  std::vector<storage::MetricPoint> points;
  for (int64_t step = 1; step <= steps; ++step)
    points.push_back({.step = step, .tokens = 100 * step, .name = name, .value = double(step)});
  metrics.append(run, points);
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

}  // namespace

TEST_SUITE("apps/train_report") {
  TEST_CASE("a supervised run is drawn over tokens, all that it measured and nothing else") {
    const support::TempDir folder;
    {
      storage::Metrics metrics = metrics_in(folder);
      const int64_t run = metrics.begin_run(1, "{}");
      append(metrics, run, "loss", 3);
      append(metrics, run, "loss.judge", 2);
      append(metrics, run, "rate", 3);
    }
    const Told told = elenchus({"train", "report", folder.path().string()});
    CHECK(told.code == 0);
    CHECK(lines_in(told.out) == 2);
    const std::string file = (folder / "plots/loss.svg").string();
    CHECK(has(told.out, file + "  loss, loss.judge\n"));
    const std::string svg = read_bytes(file);
    CHECK(count(svg, "<circle") == 5);
    CHECK(has(svg, ">tokens<"));
    CHECK(has(svg, ">judge<"));
    CHECK_FALSE(has(svg, ">verify<"));
    CHECK_FALSE(has(svg, "means of"));
    CHECK(std::filesystem::exists(folder / "plots/rate.svg"));
    CHECK_FALSE(std::filesystem::exists(folder / "plots/indexer.svg"));
  }

  TEST_CASE("a run by reward is drawn over steps, and --json tells what is in each file") {
    const support::TempDir folder, plots;
    {
      storage::Metrics metrics = metrics_in(folder);
      const int64_t run = metrics.begin_run(1, "{}");
      for (const char* name : {"reward.prove", "groups_used", "divergence", "clipped", "masked"})
        append(metrics, run, name, 4);
    }
    const Told told = elenchus(
        {"train", "report", folder.path().string(), "--out", plots.path().string(), "--json"});
    CHECK(told.code == 0);
    const json document = json::parse(told.out);
    CHECK(document["step"] == 4);
    CHECK(document["tokens"] == 400);
    REQUIRE(document["files"].size() == 4);
    CHECK(document["files"][3]["file"] == (plots / "masks.svg").string());
    CHECK(document["files"][3]["metrics"] == json{"clipped", "masked"});
    CHECK(has(read_bytes(plots / "reward.svg"), ">steps<"));
    CHECK_FALSE(std::filesystem::exists(folder / "plots"));
  }

  TEST_CASE("a long series is drawn as means, and its title says so") {
    const support::TempDir folder;
    {
      storage::Metrics metrics = metrics_in(folder);
      append(metrics, metrics.begin_run(1, "{}"), "rate", 4001);
    }
    CHECK(elenchus({"train", "report", folder.path().string()}).code == 0);
    const std::string svg = read_bytes(folder / "plots/rate.svg");
    CHECK(has(svg, "Learning rate (means of up to 21 measurements)"));
    const std::size_t end = svg.rfind("\" fill=\"none\"");
    REQUIRE(end != std::string::npos);
    const std::size_t begin = svg.rfind('"', end - 1);
    const std::string path = svg.substr(begin + 1, end - begin - 1);
    CHECK(count(path, " ") == 2 * 191 - 1);  // 4001 / 21 = 190.5: points, two numbers each
  }

  TEST_CASE("a loss that ran away leaves a gap, and the newest run of the file is the one shown") {
    const support::TempDir folder;
    {
      storage::Metrics metrics = metrics_in(folder);
      append(metrics, metrics.begin_run(1, "{}"), "rate", 9);
      const int64_t run = metrics.begin_run(2, "{}");
      append(metrics, run, "loss", 2);
      const storage::MetricPoint lost{.step = 3,
                                      .tokens = 300,
                                      .name = "loss",
                                      .value = std::numeric_limits<double>::quiet_NaN()};
      metrics.append(run, std::span(&lost, 1));
    }
    const Told told = elenchus({"train", "report", folder.path().string(), "--json"});
    CHECK(told.code == 0);
    CHECK(json::parse(told.out)["files"].size() == 1);
    CHECK(json::parse(told.out)["step"] == 3);
    CHECK(count(read_bytes(folder / "plots/loss.svg"), "<circle") == 2);
  }

  TEST_CASE("a folder without measurements is refused with what to do") {
    const support::TempDir folder;
    const Told none = elenchus({"train", "report", folder.path().string()});
    CHECK(none.code == 2);
    CHECK(none.out.empty());
    CHECK(has(none.err, "has no metrics.sqlite: name the folder that a run of"));

    metrics_in(folder).begin_run(1, "{}");
    const Told empty = elenchus({"train", "report", folder.path().string()});
    CHECK(empty.code == 2);
    CHECK(has(empty.err, "holds no measurements: let the run take its first step"));

    write_file(folder / "metrics.sqlite", "no database at all, though it is long enough to be one");
    const Told other = elenchus({"train", "report", folder.path().string()});
    CHECK(other.code == 2);
    CHECK(has(other.err, "metrics.sqlite"));
    CHECK_FALSE(std::filesystem::exists(folder / "plots"));
  }

  TEST_CASE("what train eval printed is drawn beside the published figures") {
    const support::TempDir folder;
    write_file(
        folder / "eval.jsonl",
        R"({"family":"witness","level":1,"solved":{"hits":3,"of":10},"verifier":{)"
        R"("wrong_accepted":{"hits":1,"of":7},"right_refused":{"hits":0,"of":3}}})"
        "\n"
        R"({"family":"witness","level":1,"feedback":"own","chains":1,"refined":[{"hits":3,"of":10},)"
        R"({"hits":5,"of":10}],"resampled":{"hits":4,"of":10}})"
        "\n");
    const Told told = elenchus({"train", "report", (folder / "eval.jsonl").string(), "--json"});
    CHECK(told.code == 0);
    CHECK(json::parse(told.out)["files"].size() == 3);
    const std::string plot = read_bytes(folder / "plots/refinements.svg");
    CHECK(has(plot, "one chain"));
    CHECK(has(plot, "fresh attempts for as many tokens"));
    CHECK(has(plot, "published, ISL 2024, one chain"));
    CHECK(has(read_bytes(folder / "plots/verdicts.svg"), "witness 1"));
  }

  TEST_CASE("what was not measured has no bar") {
    const support::TempDir folder;
    const std::string proofs =
        R"("solved":{"hits":5,"of":5},"verifier":{"wrong_accepted":{"hits":0,"of":0},)"
        R"("right_refused":{"hits":0,"of":5}}})"
        "\n";
    const std::string loop =
        R"("feedback":"own","chains":1,"refined":[{"hits":5,"of":5}],"resampled":{"hits":5,"of":5}})"
        "\n";
    const std::string first = R"({"family":"witness","level":1,)";
    const std::string second = R"({"family":"witness","level":2,)";
    const auto bars = [&](const std::string& rows, const char* plot) {
      write_file(folder / "eval.jsonl", rows);
      CHECK(elenchus({"train", "report", (folder / "eval.jsonl").string()}).code == 0);
      const std::string svg = read_bytes(folder / "plots" / plot);
      CHECK(has(svg, ">first attempt<") == (std::string(plot) == "proofs.svg"));
      CHECK(has(svg, ">refined<") == has(rows, "refined"));
      return count(svg, "fill-opacity=\"0.85\"");
    };
    CHECK(bars(first + proofs, "proofs.svg") == 1);
    CHECK(bars(first + proofs, "verdicts.svg") == 1);  // no wrong proofs to accept
    CHECK(bars(first + proofs + second + proofs + second + loop, "proofs.svg") == 4);
  }

  TEST_CASE("what train attention printed is drawn over what is kept") {
    const support::TempDir folder;
    write_file(folder / "attention.jsonl",
               R"({"kept":16,"attempts":{"hits":3,"of":10},"recall":0.7})"
               "\n"
               R"({"kept":64,"attempts":{"hits":4,"of":10},"recall":0.9})"
               "\n"
               R"({"kept":"all","attempts":{"hits":5,"of":10},"recall":1.0})"
               "\n");
    const Told told = elenchus({"train", "report", (folder / "attention.jsonl").string()});
    CHECK(told.code == 0);
    const std::string plot = read_bytes(folder / "plots/attention.svg");
    CHECK(has(plot, "attention mass on what is read"));
    CHECK(has(plot, "the same, all tokens read"));
    CHECK(count(plot, "<circle") == 6);
  }

  TEST_CASE("measurements of different ways are not added up") {
    const support::TempDir folder;
    const auto row = [](const std::string& feedback, int chains, const std::string& refined) {
      const std::string share = R"({"hits":3,"of":10})";
      return R"({"family":"witness","level":1,"feedback":")" + feedback + R"(","chains":)" +
             std::to_string(chains) + R"(,"refined":[)" + refined + R"(],"best_by_self":[)" +
             refined + R"(],"best_by_verifier":[)" + refined + R"(],"resampled":)" + share + "}\n";
    };
    const std::string once = R"({"hits":3,"of":10})", twice = once + "," + once;
    const auto told = [&](const std::string& rows) {
      write_file(folder / "eval.jsonl", rows);
      return elenchus({"train", "report", (folder / "eval.jsonl").string()});
    };
    CHECK(has(told(row("own", 1, once) + row("exact", 1, once)).err,
              "line 2: its feedback is exact, but that of lines before is own; draw them from"));
    CHECK(has(told(row("own", 1, once) + row("own", 1, twice)).err, "line 2: it has another"));
    CHECK(has(told(row("own", 4, once) + row("own", 8, once)).err,
              "line 2: it has 8 chains, but lines before have 4"));
    CHECK_FALSE(std::filesystem::exists(folder / "plots"));
    CHECK(told(row("own", 8, once) + row("own", 1, once)).code == 0);
    CHECK(has(read_bytes(folder / "plots/refinements.svg"), "best of 8, by self score"));

    std::string many;
    for (int i = 0; i <= 40; ++i)
      many +=
          R"({"family":"witness","level":1,"solved":{"hits":5,"of":5},"verifier":{"wrong_accepted":)"
          R"({"hits":0,"of":0},"right_refused":{"hits":0,"of":5}}})"
          "\n";
    const Told crowd = told(many);
    CHECK(crowd.code == 2);
    CHECK(has(crowd.err, "line 41: these are more than 40 families and levels"));
  }

  TEST_CASE("a file that train eval did not print is refused with its line") {
    const support::TempDir folder;
    write_file(folder / "eval.jsonl", "{\"seed\":1}\nfamily solved\n");
    const Told told = elenchus({"train", "report", (folder / "eval.jsonl").string()});
    CHECK(told.code == 2);
    CHECK(has(told.err, "line 2: this is not what `elenchus train eval --json` prints"));

    write_file(folder / "none.jsonl", "{\"seed\":1}\n");
    CHECK(has(elenchus({"train", "report", (folder / "none.jsonl").string()}).err,
              "holds no measurements of proofs"));
    CHECK_FALSE(std::filesystem::exists(folder / "plots"));
  }
}
