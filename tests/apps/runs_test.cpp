#include <doctest/doctest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "audit/checks.h"
#include "audit/trace.h"
#include "formats/csv.h"
#include "formats/jsonl.h"
#include "tests/apps/cli_kit.h"
#include "tests/apps/runs_kit.h"
#include "text/words.h"

using nlohmann::json;

namespace {

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> lines;
  for (const std::string_view line : text::lines_of(text))
    if (!line.empty()) lines.push_back(json::parse(line));
  return lines;
}

Told runs(const StoredRun& stored, std::vector<std::string> words) {
  words.insert(words.begin(), "runs");
  words.insert(words.end(), {"--db", stored.ledger.string()});
  return elenchus(words);
}

std::vector<pipeline::Item> submissions() {
  const auto problem = kit_problem("marked");
  std::vector<pipeline::Item> items;
  for (const char* proof :
       {"We add both sides term by term: $2 + 3 = 5$ and $4 + 1 = 5$. Hence the two sums are "
        "equal, "
        "which was to be shown for every case.",
        "We claim that $2 + 2 = 5$ holds, therefore both sums are the same number. This proves the "
        "statement completely."})
    items.push_back({"marked", problem, std::make_shared<const std::string>(proof)});
  return items;
}

}  // namespace

TEST_SUITE("apps/runs") {
  TEST_CASE("the list has a row for each run, and as JSON a line") {
    const auto stored = solved_run();

    const Told told = runs(*stored, {"list"});
    const auto lines = json_lines(runs(*stored, {"list", "--json"}).out);

    CHECK(told.code == 0);
    CHECK(told.err.empty());
    CHECK(lines_in(told.out) == 2);
    CHECK(has(told.out, "2023-11-14T22:13:20Z"));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0]["run"] == 1);
    CHECK(lines[0]["state"] == "finished");
    CHECK(lines[0]["items"] == 2);
    CHECK(lines[0]["accepted"].get<int>() + lines[0]["undecided"].get<int>() == 2);
    CHECK(lines[0]["totals"]["calls"] > 0);
  }

  TEST_CASE("a shown run has what was decided, its meaning and no secret") {
    const auto stored = solved_run();

    const Told told = runs(*stored, {"show", "1"});
    const json shown = json::parse(runs(*stored, {"show", "1", "--json"}).out);

    CHECK(told.code == 0);
    CHECK(has(told.out, "effort.votes"));
    for (const std::string& text : {told.out, shown.dump()})
      CHECK_FALSE(has(text, "0123456789abcdef0123456789abcdef"));
    REQUIRE(shown["problems"].size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const pipeline::ItemResult& result = stored->results[i];
      CHECK(shown["problems"][i]["id"] == (i == 0 ? "one" : "two"));
      CHECK(shown["problems"][i]["outcome"] == to_text(result.outcome));
      REQUIRE(result.best);
      CHECK(shown["problems"][i]["best"] == result.best->key);
      CHECK(has(told.out, result.best->key));
    }
  }

  TEST_CASE("an export as JSON Lines says what the run itself said") {
    const auto stored = solved_run();

    const auto lines = json_lines(runs(*stored, {"export", "1"}).out);

    REQUIRE(lines.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const pipeline::Candidate& best = *stored->results[i].best;
      CHECK(lines[i]["outcome"] == to_text(stored->results[i].outcome));
      CHECK(lines[i]["best"]["text"] == best.proof);
      CHECK(lines[i]["best"]["tally"]["counted"] == best.judgement.tally.counted);
      CHECK(lines[i]["best"]["tally"]["requested"] == best.judgement.tally.requested);
      CHECK(lines[i]["best"]["votes"].size() == best.judgement.votes.size());
      for (const json& vote : lines[i]["best"]["votes"])
        for (const json& issue : vote["issues"]) {
          if (issue["begin"].is_null()) continue;
          const auto begin = issue["begin"].get<std::size_t>();
          const auto end = issue["end"].get<std::size_t>();
          CHECK(begin < end);
          CHECK(end <= best.proof.size());
        }
    }
  }

  TEST_CASE("an export as CSV has a row for each vote that the ledger holds") {
    support::ScriptedRates garbled;
    garbled.garble = 0.4;  // some votes are asked for twice; each is one row
    const auto stored = solved_run(garbled);
    const storage::LedgerReader reader(stored->ledger);
    std::set<std::pair<std::string, int64_t>> votes;
    for (const storage::VoteRow& vote : reader.votes(1))
      votes.emplace(vote.content_key, vote.index);

    const Told told = runs(*stored, {"export", "1", "--format", "csv"});
    const formats::Records read = formats::read_csv(told.out, "export.csv");

    CHECK(reader.votes(1).size() > votes.size());
    CHECK(read.errors.empty());
    CHECK(read.records.size() == votes.size());
  }

  TEST_CASE("an export as traces passes our own audit") {
    const auto stored = solved_run();

    const Told told = runs(*stored, {"export", "1", "--format", "trace"});
    const audit::Traces traces = audit::read_traces(told.out, "export.jsonl");

    CHECK(traces.errors.empty());
    REQUIRE(traces.traces.size() >= 2);
    for (const audit::Trace& trace : traces.traces) {
      CHECK(trace.requested == 3);
      CHECK(trace.votes.size() == 3);
      for (const audit::Finding& finding : audit::check_trace(trace)) {
        CAPTURE(to_text(finding));
        CHECK(finding.kind != audit::FindingKind::WrongCounts);
        CHECK(finding.kind != audit::FindingKind::WrongMean);
        CHECK(finding.kind != audit::FindingKind::RuleNotMet);
        CHECK(finding.kind != audit::FindingKind::BelowQuorum);
        CHECK(finding.kind != audit::FindingKind::ScoreNotInText);
      }
    }
  }

  TEST_CASE("an export in DeepSeek's form is read back as one") {
    const auto stored = solved_run();

    const Told told = runs(*stored, {"export", "1", "--format", "deepseek"});
    const audit::Traces traces = audit::read_traces(told.out, "export.jsonl");

    CHECK(traces.origin == audit::Origin::DeepSeekOutputs);
    REQUIRE(traces.traces.size() == 2);
    CHECK(traces.traces[0].id == "one");
    CHECK(traces.traces[0].proof == stored->results[0].best->proof);
    CHECK(traces.traces[0].mean ==
          doctest::Approx(stored->results[0].best->judgement.tally.mean()));
  }

  TEST_CASE("an export for people has problem, verdict and proof of each") {
    const auto stored = solved_run();

    const Told told = runs(*stored, {"export", "1", "--format", "md"});

    CHECK(has(told.out, "# one\n\n## Problem\n\n> Show that the two sums of one are equal."));
    CHECK(has(told.out, "## Verdict: "));
    CHECK(has(told.out, "## Issues"));
  }

  TEST_CASE("submissions of one problem are told apart") {
    const auto stored = make_run("grade", submissions(), {});

    const auto lines = json_lines(runs(*stored, {"export", "1"}).out);

    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["id"] == "marked#1");
    CHECK(lines[1]["id"] == "marked#2");
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(lines[i]["outcome"] == to_text(stored->results[i].outcome));
      CHECK(lines[i]["best"]["text"] == stored->results[i].best->proof);
    }
  }

  TEST_CASE("a run that was cut short is exported with its best so far and no outcome") {
    const auto stored = solved_run();
    {
      storage::LedgerWriter writer(stored->ledger);
      const storage::LedgerReader reader(stored->ledger);
      storage::RunRow row = *reader.run(1);
      row.state = "interrupted";
      writer.create_run(row, reader.problems(1));
    }

    const auto lines = json_lines(runs(*stored, {"export", "2"}).out);

    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["outcome"].is_null());
    CHECK(lines[0]["best"].is_null());
  }

  TEST_CASE("a file is written whole, replaced, and never a directory") {
    const auto stored = solved_run();
    const std::string file = (stored->folder / "out.jsonl").string();
    write_file(file, "older");

    CHECK(runs(*stored, {"export", "1", "-o", file}).code == 0);
    CHECK(lines_in(read_bytes(file)) == 2);

    const std::string directory = (stored->folder / "folder").string();
    std::filesystem::create_directory(directory);
    const Told told = runs(*stored, {"export", "1", "-o", directory});
    CHECK(told.code == 2);
    CHECK(told.err == "elenchus: " + directory + ": is a directory; name a file in it\n");
    CHECK(runs(*stored, {"export", "1", "-o", "/dev/null/x"}).code == 2);
    CHECK(runs(*stored, {"export", "7", "-o", file + "2"}).code == 2);
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(stored->folder.path()))
      files += entry.path().filename().string().starts_with("out.jsonl") ? 1 : 0;
    CHECK(files == 1);
  }

  TEST_CASE("a failed export leaves the older file as it was") {
    const auto stored = solved_run();
    const std::string file = (stored->folder / "out.jsonl").string();
    write_file(file, "older");

    const Told told = runs(*stored, {"export", "1", "--format", "xml", "-o", file});

    CHECK(told.code == 2);
    CHECK(has(told.err, "--format is 'xml', but must be one of jsonl, csv, md, trace, deepseek"));
    CHECK(read_bytes(file) == "older");
  }

  TEST_CASE("a backup is a ledger with the same runs") {
    const auto stored = solved_run();
    const std::filesystem::path copy = stored->folder / "copy.sqlite";

    CHECK(runs(*stored, {"backup", copy.string()}).code == 0);
    const Told listed = elenchus({"runs", "list", "--db", copy.string()});

    CHECK(listed.out == runs(*stored, {"list"}).out);
    CHECK(runs(*stored, {"backup", stored->ledger.string()}).code == 2);
    CHECK(runs(*stored, {"backup", stored->folder.path().string()}).code == 2);
  }

  TEST_CASE("the path is that of the flag, the variable or the state folder") {
    CHECK(elenchus({"runs", "path", "--db", "/a/b"}).out == "/a/b\n");
    CHECK(elenchus({"runs", "path"}, {{"ELENCHUS_DB", "/c"}}).out == "/c\n");
    CHECK(elenchus({"runs", "path"}, {{"XDG_STATE_HOME", "/s"}}).out ==
          "/s/elenchus/ledger.sqlite\n");
  }

  TEST_CASE("a run or a ledger that is not there is said to be so") {
    const auto stored = solved_run();

    const Told unknown = runs(*stored, {"show", "9"});
    const Told missing = elenchus({"runs", "list", "--db", "/dev/null/ledger"});

    CHECK(unknown.code == 2);
    CHECK(has(unknown.err, "there is no run 9: the ledger has runs 1 to 1"));
    CHECK(missing.code == 3);
    CHECK(has(missing.err, "/dev/null/ledger: there is no ledger yet"));
    CHECK(lines_in(missing.err) == 1);
  }
}
