#include "apps/local.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/cli_kit.h"

using nlohmann::json;

namespace {

const std::string kTiny = std::string(SOURCE_DIR) + "/model/tiny";
const std::string kProblem = std::string(SOURCE_DIR) + "/examples/prose/sum-of-odds.md";

std::string ledger_in(const support::TempDir& folder) {
  return (folder / "ledger.sqlite").string();
}

Told solve_with_tiny(const support::TempDir& folder) {
  return elenchus({"solve", kProblem, "--model", kTiny, "--effort", "quick", "--max-tokens", "40",
                   "--threads", "1", "--cache", "64M", "--db", ledger_in(folder), "--json"});
}

json last_line(const std::string& text) {
  return json::parse(text.substr(text.rfind('\n', text.size() - 2) + 1));
}

}  // namespace

TEST_SUITE("apps/local") {
  TEST_CASE("a model that speaks noise proves nothing, and says so") {
    const support::TempDir folder;

    const Told told = solve_with_tiny(folder);

    CHECK(told.code == 0);
    const json done = last_line(told.out);
    CHECK(done["event"] == "done");
    CHECK(done["undecided"] == 1);
    CHECK(done["accepted"] == 0);
    const Told replayed = elenchus({"audit", "1", "--replay", "--db", ledger_in(folder)});
    CHECK(replayed.code == 0);
    CHECK(replayed.out.find("all reached again") != std::string::npos);
  }

  TEST_CASE("recorded answers are derived again to the byte, after a restart and in a batch") {
    const support::TempDir folder;
    solve_with_tiny(folder);

    const Told told = elenchus({"audit", "1", "--rederive", "100", "--threads", "2", "--cache",
                                "64M", "--db", ledger_in(folder), "--json"});

    CHECK(told.code == 0);
    const json event = json::parse(told.out.substr(0, told.out.find('\n')));
    CHECK(event["calls"].get<int>() >= 2);
    CHECK(event["same"] == event["calls"]);
  }

  TEST_CASE("answers under the verdict grammar are recorded as such and derived again") {
    const support::TempDir folder;
    const std::vector<std::string> words{
        "grade",        std::string(SOURCE_DIR) + "/examples/submissions.jsonl",
        "--model",      kTiny,
        "--effort",     "quick",
        "--max-tokens", "100",
        "--threads",    "1",
        "--cache",      "64M",
        "--thinking",   "no",
        "--grammar",    "verdict",
        "--limit",      "1",
        "--db",         ledger_in(folder)};
    CHECK(elenchus(words).code == 0);

    const Told told = elenchus({"audit", "1", "--rederive", "100", "--threads", "2", "--cache",
                                "64M", "--db", ledger_in(folder), "--json"});
    const Told off =
        elenchus({"audit", "1", "--rederive", "1", "--cache", "64M", "--db", ledger_in(folder)},
                 {{"ELENCHUS_GRAMMAR", "off"}});

    CHECK(told.code == 0);
    const json event = json::parse(told.out.substr(0, told.out.find('\n')));
    CHECK(event["calls"].get<int>() >= 2);
    CHECK(event["same"] == event["calls"]);
    CHECK(off.code == 2);
    CHECK(off.err.find("grammar=verdict', but this model is") != std::string::npos);
  }

  TEST_CASE("a grammar needs a judge of this machine, and a name that is known") {
    const support::TempDir folder;
    const auto asked = [&](const std::string& grammar) {
      return elenchus({"solve", kProblem, "--base-url", "http://127.0.0.1:9/v1", "--model", "m",
                       "--grammar", grammar, "--db", ledger_in(folder)});
    };
    const Told server = asked("verdict");
    const Told wrong = elenchus(
        {"solve", kProblem, "--model", kTiny, "--grammar", "json", "--db", ledger_in(folder)});

    CHECK(server.code == 2);
    CHECK(server.err.find("no judge is a model of this machine") != std::string::npos);
    for (const Told& told : {wrong, asked("json")}) {
      CHECK(told.code == 2);
      CHECK(told.err.find("must be one of off, verdict") != std::string::npos);
    }
  }

  TEST_CASE("an answer that is not the model's is found out") {
    const support::TempDir folder;
    solve_with_tiny(folder);
    const std::string command = "sqlite3 " + ledger_in(folder) +
                                " \"DROP TRIGGER IF EXISTS text_is_fixed; UPDATE run SET secret = "
                                "zeroblob(32)\" 2>/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);

    const Told told =
        elenchus({"audit", "1", "--rederive", "1", "--cache", "64M", "--db", ledger_in(folder)});

    CHECK(told.code == 2);
    CHECK(told.err.find("differs from the one that was sent") != std::string::npos);
  }

  TEST_CASE("other weights are refused where a record is to be derived again") {
    const support::TempDir folder;
    solve_with_tiny(folder);

    const Told told = elenchus({"audit", "1", "--rederive", "1", "--weights", "q8", "--cache",
                                "64M", "--db", ledger_in(folder)});

    CHECK(told.code == 2);
    CHECK(told.err.find("weights=q8") != std::string::npos);
  }

  TEST_CASE("generate gives the same samples whether asked for alone or together") {
    const std::vector<std::string> ask{"generate",     kTiny,       "--prompt", "Prove it.",
                                       "--max-tokens", "12",        "--json",   "--cache",
                                       "64M",          "--threads", "1"};
    std::vector<std::string> four = ask;
    four.insert(four.end(), {"-n", "4"});

    const Told alone = elenchus(ask);
    const Told together = elenchus(four);

    CHECK(alone.code == 0);
    CHECK(json::parse(alone.out)["tokens"] ==
          json::parse(together.out.substr(0, together.out.find('\n')))["tokens"]);
    CHECK(last_line(together.out)["cached_tokens"].get<int>() > 0);
  }

  TEST_CASE("tokenize makes control tokens only where they are asked for") {
    const support::TempDir folder;
    std::ofstream(folder / "text") << "<think>";
    const std::string file = (folder / "text").string();

    const Told plain = elenchus({"tokenize", kTiny, file, "--json"});
    const Told control = elenchus({"tokenize", kTiny, file, "--json", "--control"});

    CHECK(json::parse(plain.out)["tokens"].size() > 1);
    CHECK(json::parse(control.out)["tokens"] == json::array({1502}));
  }

  TEST_CASE("a model is looked at without being run") {
    const Told told = elenchus({"model", "inspect", kTiny, "--json"});

    CHECK(told.code == 0);
    const json found = json::parse(told.out);
    CHECK(found["parameters"] == 321'992);
    CHECK(found["faults"].empty());
    CHECK(found["tokenizer"] == true);
  }

  TEST_CASE("doctor loads the model and asks it for a token") {
    const support::TempDir folder;

    const Told told =
        elenchus({"doctor", "--model", kTiny, "--cache", "64M", "--db", ledger_in(folder)});

    CHECK(told.code == 0);
    CHECK(told.out.find("loaded and asked for a token") != std::string::npos);
  }

  TEST_CASE("what a model runs on is chosen and told; a card that is not there is refused") {
    const std::vector<std::string> ask{"generate", kTiny,     "--prompt", "x",       "--max-tokens",
                                       "2",        "--cache", "64M",      "--device"};
    const auto on = [&](const std::string& device) {
      std::vector<std::string> words = ask;
      words.push_back(device);
      return elenchus(words);
    };

    const Told cpu = on("cpu"), found = on("auto"), wrong = on("gpu");

    CHECK(cpu.code == 0);
    CHECK(cpu.err.starts_with("device: the processor ("));
    CHECK(found.code == 0);
    CHECK(found.err.starts_with("device: "));
    CHECK(wrong.code == 2);
    CHECK(wrong.err.find("must be one of auto, cpu, cuda") != std::string::npos);
    if (found.err.find("; no card: ") == std::string::npos) return;  // this machine has one
    const Told card = on("cuda");
    CHECK(card.code == 3);
    CHECK(card.err.find("--device cuda: ") != std::string::npos);
    CHECK(card.err.find("; --device cpu uses the processor\n") != std::string::npos);
    CHECK(std::count(card.err.begin(), card.err.end(), '\n') == 1);
    const support::TempDir folder;
    const Told doctor = elenchus({"doctor", "--model", kTiny, "--device", "cuda", "--cache", "64M",
                                  "--db", ledger_in(folder)});
    CHECK(doctor.code == 1);
    CHECK(doctor.out.find("fail  card ") != std::string::npos);
  }

  TEST_CASE("what is no model, or does not fit, is told in a sentence") {
    const support::TempDir folder;
    std::ofstream(folder / "config.json") << R"({"model_type": "llama"})";

    const Told other = elenchus({"model", "inspect", folder.path().string()});
    const Told none = elenchus({"generate", "/dev/null/nothing", "--prompt", "x"});
    const Told large = elenchus({"generate", kTiny, "--prompt", "x", "--cache", "4000G"});
    const Told long_context =
        elenchus({"generate", kTiny, "--prompt", "x", "--context", "9000", "--cache", "64M"});

    CHECK(other.code == 2);
    CHECK(other.err.find("llama") != std::string::npos);
    CHECK(none.code == 2);
    CHECK(large.code == 3);
    CHECK(large.err.find("not enough memory") != std::string::npos);
    CHECK(long_context.code == 2);
    CHECK(long_context.err.find("8192") != std::string::npos);
  }
}
