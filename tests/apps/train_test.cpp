#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/cli_kit.h"

using nlohmann::json;

namespace {

const std::string kPrompts = std::string(SOURCE_DIR) + "/model/default/chalk";

// A recipe that is done in a second, in a folder with the prompts beside it.
std::string recipe_in(const support::TempDir& folder, const std::string& extra = "") {
  std::filesystem::copy(kPrompts, folder / "chalk");
  const std::filesystem::path file = folder / "recipe.toml";
  std::ofstream(file) << "seed = 3\nthreads = 1\nprecision = \"float\"\n"
                         "[model]\nhidden_size = 32\nnum_hidden_layers = 2\n"
                         "num_attention_heads = 2\nq_lora_rank = 16\nkv_lora_rank = 16\n"
                         "qk_nope_head_dim = 8\nqk_rope_head_dim = 8\nv_head_dim = 8\n"
                         "intermediate_size = 64\nmoe_intermediate_size = 16\n"
                         "n_routed_experts = 4\nindex_n_heads = 2\nindex_head_dim = 16\n"
                         "index_topk = 16\n"
                         "[lessons.families]\nwitness = 1.0\n"
                         "[[stage]]\nname = \"only\"\ntokens = 2000\nbatch = 500\n"
                      << extra;
  return file.string();
}

Told train(const std::string& recipe, const support::TempDir& folder) {
  return elenchus({"train", "sft", recipe, "--out", (folder / "run").string(), "--json"});
}

std::string statement_in(const support::TempDir& folder, const std::string& text) {
  const std::filesystem::path file = folder / "statement.md";
  std::ofstream(file) << text << "\n";
  return file.string();
}

}  // namespace

TEST_SUITE("apps/train") {
  TEST_CASE("a recipe makes a model that is measured, and whose outcomes are honest") {
    const support::TempDir folder;
    const Told trained = train(recipe_in(folder), folder);
    REQUIRE(trained.code == 0);
    const json made = json::parse(trained.out);
    CHECK(made["done"] == true);
    CHECK(made["tokens"].get<int>() >= 2000);

    const Told measured = elenchus({"train", "eval", made["model"], "--statements", "2", "--level",
                                    "1", "--family", "witness", "--threads", "1", "--json"});
    CHECK(measured.code == 0);
    const json figures = json::parse(measured.out);
    CHECK(figures["solved"]["hits"] == 0);
    CHECK(figures["solved"]["of"] == 2);

    const Told solved =
        elenchus({"solve", statement_in(folder, "Find x: 7*x == 3 (mod 31)"), "--model",
                  made["model"], "--effort", "quick", "--max-tokens", "20", "--threads", "1",
                  "--cache", "64M", "--db", (folder / "ledger.sqlite").string(), "--json"});
    CHECK(solved.code == 0);
    CHECK(solved.out.find("\"undecided\":1") != std::string::npos);
  }

  TEST_CASE(
      "a statement of no known family is refused with the nearest form, unless asked anyway") {
    const support::TempDir folder;
    const Told trained = train(recipe_in(folder), folder);
    REQUIRE(trained.code == 0);
    const std::string model = json::parse(trained.out)["model"];
    const std::string file = statement_in(folder, "Prove that there are infinitely many primes.");
    const std::vector<std::string> command = {"solve",        file,
                                              "--model",      model,
                                              "--effort",     "quick",
                                              "--max-tokens", "20",
                                              "--threads",    "1",
                                              "--cache",      "64M",
                                              "--db",         (folder / "ledger.sqlite").string()};

    const Told refused = elenchus(command);
    CHECK(refused.code == 2);
    CHECK(refused.err.find("knows five kinds of statements") != std::string::npos);
    CHECK(refused.err.find("The nearest form is") != std::string::npos);
    CHECK(refused.err.find("--base-url") != std::string::npos);

    std::vector<std::string> anyway = command;
    anyway.push_back("--anyway");
    CHECK(elenchus(anyway).code == 0);
  }

  TEST_CASE("a model plays on the device that is named; a card that is not there is refused") {
    const support::TempDir folder;
    const std::string shipped = std::string(SOURCE_DIR) + "/model/default";
    const std::string out = (folder / "own.jsonl").string();
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"train", "eval", shipped, "--device"},
          std::vector<std::string>{"train", "sample", shipped, "--out", out, "--device"}}) {
      CAPTURE(command[1]);
      const auto on = [&](const std::string& device) {
        std::vector<std::string> words = command;
        words.push_back(device);
        const std::vector<std::string> little{"--statements", "1",       "--level",   "1",
                                              "--family",     "witness", "--threads", "1"};
        words.insert(words.end(), little.begin(), little.end());
        return elenchus(words);
      };

      const Told cpu = on("cpu"), wrong = on("gpu");

      CHECK(cpu.code == 0);
      CHECK(has(cpu.err, "device: the processor ("));
      CHECK(wrong.code == 2);
      CHECK(has(wrong.err, "--device: device is 'gpu', but must be one of auto, cpu, cuda"));
      const Told found = on("auto");
      CHECK(found.code == 0);
      if (!has(found.err, "; no card: ")) continue;  // this machine has one
      const Told card = on("cuda");
      CHECK(card.code == 3);
      CHECK(has(card.err, "--device cuda: "));
      CHECK(has(card.err, "; --device cpu uses the processor\n"));
    }
  }

  TEST_CASE("train eval refuses what cannot be measured before it measures") {
    const auto eval = [](std::vector<std::string> words) {
      words.insert(words.begin(),
                   {"train", "eval", std::string(SOURCE_DIR) + "/model/tiny", "--threads", "1"});
      return elenchus(words);
    };
    const Told stranger = eval({});
    const Told alone = eval({"--chains", "4"});
    const Told many = eval({"--loop", "--chains", "1024", "--statements", "1025"});

    CHECK(stranger.code == 2);
    CHECK(has(stranger.err, "model/tiny: its prompts are of the family 'default', but only"));
    CHECK(alone.code == 2);
    CHECK(has(alone.err, "--chains requires --loop"));
    CHECK(has(eval({"--analyses", "4"}).err, "--analyses requires --label"));
    CHECK(many.code == 2);
    CHECK(has(many.err, "--statements 1025 of --chains 1024 are more than 1048576 chains"));
  }

  TEST_CASE("train attention tells what fewer tokens do, and refuses what is no number of them") {
    const auto attention = [](std::vector<std::string> words) {
      words.insert(words.begin(), {"train", "attention", std::string(SOURCE_DIR) + "/model/default",
                                   "--family", "congruence", "--level", "1", "--statements", "2",
                                   "--documents", "6", "--threads", "1", "--json"});
      return elenchus(words);
    };
    const Told told = attention({"--kept", "4", "--kept", "all"});
    REQUIRE(told.code == 0);
    REQUIRE(lines_in(told.out) == 2);
    const json few = json::parse(told.out.substr(0, told.out.find('\n')));
    const json all = json::parse(told.out.substr(told.out.find('\n') + 1));
    CHECK(few["kept"] == 4);
    CHECK(few["see_more"] > 0.9);
    CHECK(few["recall"] < 0.9);
    CHECK(few["attempts"]["of"] == 2);
    CHECK(all["kept"] == "all");
    CHECK(all["see_more"] == 0.0);
    CHECK(all["recall"] == 1.0);
    CHECK(all["loss"] < few["loss"]);

    for (const char* kept : {"0", "-1", "many", "1.5", "99999999999", ""}) {
      const Told refused = attention({"--kept", kept});
      CHECK(refused.code == 2);
      CHECK(refused.out.empty());
      CHECK(has(refused.err, "this is no number of tokens from 1 on, nor `all`"));
    }
  }

  TEST_CASE("the loop counts each chain, and the best of a statement's chains once") {
    const auto loop = [](const char* chains) {
      const Told told =
          elenchus({"train", "eval", std::string(SOURCE_DIR) + "/model/default", "--family",
                    "congruence", "--level", "1", "--statements", "3", "--loop", "--refinements",
                    "1", "--threads", "1", "--chains", chains, "--json"});
      REQUIRE(told.code == 0);
      REQUIRE(lines_in(told.out) == 2);
      return nlohmann::json::parse(told.out.substr(told.out.find('\n') + 1));
    };
    const auto one = loop("1"), two = loop("2");

    CHECK(one["refined"].size() == 2);
    CHECK(one["refined"][0]["of"] == 3);
    CHECK(one["best_by_self"] == one["refined"]);  // nothing to choose
    CHECK(one["best_by_verifier"] == one["refined"]);
    CHECK(one["resampled"]["of"] == 3);
    CHECK(two["refined"][1]["of"] == 6);
    CHECK(two["best_by_self"].size() == 2);
    CHECK(two["best_by_verifier"][1]["of"] == 3);
    CHECK(two["resampled"]["of"] == 0);
    CHECK(two["refine_tokens"] > one["refine_tokens"]);
  }

  TEST_CASE("prompts without a fence are never sent to a server") {
    const support::TempDir folder;
    const Told told = elenchus({"solve", statement_in(folder, "Show that 1 = 1."), "--base-url",
                                "http://127.0.0.1:9/v1", "--model", "m", "--prompts", kPrompts,
                                "--db", (folder / "ledger.sqlite").string()});
    CHECK(told.code == 2);
    CHECK(told.err.find("has a place without a fence") != std::string::npos);
  }

  TEST_CASE("a recipe's mistakes are told with their line") {
    struct Case {
      const char* extra;
      const char* said;
    };
    const Case cases[] = {
        {"atention = \"dense\"\n", "line 25: atention is not known; did you mean attention?"},
        {"attention = \"some\"\n", "attention must be one of dense, warm-up, sparse"},
        {"muon = -1\n", "muon must be between 0 and 10"},
        {"seed = 1\n", "line 25: seed is not known"},
    };
    for (const Case& c : cases) {
      CAPTURE(std::string(c.extra));
      const support::TempDir folder;
      const Told told = train(recipe_in(folder, c.extra), folder);
      CAPTURE(told.err);
      CHECK(told.code == 2);
      CHECK(told.err.find(c.said) != std::string::npos);
    }
  }
}
