#include "apps/role_models.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "storage/ledger.h"
#include "tests/apps/cli_kit.h"
#include "tests/support/scripted_endpoint.h"

using namespace apps;
using nlohmann::json;
using pipeline::Role;

namespace {

const std::string kTiny = std::string(SOURCE_DIR) + "/model/tiny";
const std::string kDefault = std::string(SOURCE_DIR) + "/model/default";
const std::string kProblem = std::string(SOURCE_DIR) + "/examples/prose/sum-of-odds.md";

// A folder with a ledger, and a server beside it.
struct Split {
  support::TempDir folder;
  support::ScriptedEndpoint endpoint{support::EndpointOptions{}};

  std::string ledger() const { return (folder / "ledger.sqlite").string(); }
  Told run(std::vector<std::string> words) const {
    const std::vector<std::string> common{"--db", ledger(), "--cache", "64M", "--threads", "1"};
    words.insert(words.end(), common.begin(), common.end());
    return elenchus(words);
  }
  Told solve(std::vector<std::string> words) const {
    const std::vector<std::string> common{"--effort", "quick", "--max-tokens", "2000", "--json"};
    words.insert(words.begin(), {"solve", kProblem});
    words.insert(words.end(), common.begin(), common.end());
    return run(words);
  }
  // The names under which the ledger has the calls of a role.
  std::vector<std::string> models_of(const std::string& role) const {
    std::vector<std::string> models;
    for (const storage::StoredCall& call : storage::LedgerReader(ledger()).calls(1))
      if (call.role == role && std::ranges::find(models, call.model) == models.end())
        models.push_back(call.model);
    return models;
  }
};

Settings settings_of(const std::map<std::string, std::string>& words) {
  Settings settings;
  for (const auto& [name, word] : words) settings.set(name, {{word}, "--" + name});
  return settings;
}

std::string refusal_of(const std::map<std::string, std::string>& words) {
  try {
    choose_roles(settings_of(words));
  } catch (const Exit& exit) {
    CHECK(exit.code == ExitCode::Usage);
    return exit.what();
  }
  return "";
}

// Which roles this process answers: "generator verifier".
std::string here(const std::map<std::string, std::string>& words) {
  const RoleChoices choices = choose_roles(settings_of(words));
  std::string roles;
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (choices[i])
      roles += (roles.empty() ? "" : " ") + std::string(to_text(static_cast<Role>(i)));
  return roles;
}

}  // namespace

TEST_SUITE("apps/role_models") {
  TEST_CASE("a model is sampled as its generation_config.json advises, unless somebody says how") {
    const auto shown = [](std::vector<std::string> words) {
      words.insert(words.begin(), {"solve", kProblem, "--show-config"});
      const Told told = elenchus(words);
      CHECK(told.code == 0);
      return told.out;
    };
    const auto line = [](const std::string& text, const std::string& name) {
      const std::size_t at = text.find('\n' + name) + 1;
      REQUIRE(at != 0);
      return text.substr(at, text.find('\n', at) - at);
    };
    const std::string advised = shown({"--model", kDefault});
    CHECK(has(line(advised, "verifier.temperature"), " 0.7 "));
    CHECK(has(line(advised, "verifier.temperature"), "model/default/generation_config.json"));
    CHECK(has(line(advised, "generator.temperature"), " 0.7 "));
    CHECK_FALSE(has(shown({"--model", kTiny}), "generation_config.json"));
    CHECK_FALSE(has(shown({"--model", kDefault, "--temperature", "1"}), "generation_config.json"));
    const std::string one = shown({"--model", kDefault, "--role", "verifier=temperature=0.3"});
    CHECK(has(line(one, "verifier.temperature"), " 0.3 "));
    CHECK(has(line(one, "generator.temperature"), " 0.7 "));
    const std::string split = shown({"--base-url", "http://127.0.0.1:1", "--model", "x", "--role",
                                     "verifier=directory=" + kDefault});
    CHECK(has(line(split, "verifier.temperature"), " 0.7 "));
    CHECK_FALSE(has(split, "generator.temperature"));
  }

  TEST_CASE("a role is answered here by its directory, or by a model's where no server is named") {
    const std::string url = "http://127.0.0.1:9/v1", all = "generator verifier meta_verifier";
    CHECK(here({{"model", kTiny}}) == all);
    CHECK(here({{"model", kTiny}, {"base-url", url}}).empty());
    CHECK(here({{"model", "m"}, {"base-url", url}, {"verifier.directory", kTiny}}) == "verifier");
    CHECK(here({{"model", kTiny}, {"generator.base-url", url}, {"generator.model", "m"}}) ==
          "verifier meta_verifier");
    CHECK(here({{"model", kTiny}, {"verifier.model", kDefault}}) == all);
    CHECK(here({{"model", "m"}, {"base-url", url}, {"verifier.model", kTiny}}).empty());
    CHECK(here({{"generator.base-url", url}, {"generator.model", "m"}}).empty());
    const RoleChoices two =
        choose_roles(settings_of({{"model", kTiny}, {"verifier.model", kDefault}}));
    CHECK(two[1]->directory == kDefault);
    CHECK(distinct(two).size() == 2);
  }

  TEST_CASE("a role that two are told to answer is refused, with where both stand") {
    CHECK(has(refusal_of({{"verifier.directory", kTiny}, {"verifier.base-url", "http://a/v1"}}),
              "the verifier has both a directory (--verifier.directory) and a base-url "
              "(--verifier.base-url)"));
    CHECK(has(refusal_of({{"verifier.directory", kTiny}, {"verifier.model", "m"}}),
              "and a model (--verifier.model)"));
    CHECK(has(refusal_of({{"model", kTiny}, {"generator.base-url", "http://a/v1"}}),
              "the generator's server needs a model beside it"));
    CHECK(
        has(refusal_of({{"verifier.directory", "/dev/null/none"}}), "there is no such directory"));
  }

  TEST_CASE("a model of this machine judges what a server writes, and each is recorded as itself") {
    const Split split;

    const Told told = split.solve({"--base-url", split.endpoint.url(), "--model", "scripted",
                                   "--role", "verifier=directory=" + kTiny});

    CHECK(told.code == 0);
    CHECK(split.endpoint.counts().received > 0);
    CHECK(split.models_of("generator") == std::vector<std::string>{"scripted"});
    const auto judges = split.models_of("verifier");
    REQUIRE(judges.size() == 1);
    CHECK(judges[0].starts_with("engine sha256:"));
    CHECK(split.run({"audit", "1", "--replay"}).code == 0);
  }

  TEST_CASE("what a role lacks is told before a model is loaded") {
    const Split split;
    const Told nobody = split.solve({"--role", "verifier=directory=" + kTiny});
    CHECK(nobody.code == 2);
    CHECK(has(nobody.err, "no server is named for the generator: give"));
    CHECK_FALSE(has(nobody.err, "device:"));
    const Told misspelt = split.solve({"--model", kTiny, "--role", "verifier=/dev/null/none"});
    CHECK(misspelt.code == 2);
    CHECK(has(misspelt.err,
              "no server is named for the verifier, and its model "
              "'/dev/null/none' is no directory: give"));
  }

  TEST_CASE("what was answered here is derived again; what a server said is left out") {
    const Split split;
    REQUIRE(split
                .solve({"--model", kTiny, "--role",
                        "generator=base-url=" + split.endpoint.url() + ",model=scripted"})
                .code == 0);
    const int64_t served = split.endpoint.counts().received;

    const Told told = split.run({"audit", "1", "--rederive", "1000", "--json"});

    CHECK(told.code == 0);
    const json event = json::parse(told.out.substr(0, told.out.find('\n')));
    int64_t judged = 0;
    for (const storage::StoredCall& call : storage::LedgerReader(split.ledger()).calls(1))
      judged += call.role != "generator" && call.state == "answered";
    CHECK(judged > 0);
    CHECK(event["calls"] == judged);
    CHECK(event["same"] == judged);
    CHECK(split.endpoint.counts().received == served);
  }

  TEST_CASE("each role is asked in the words of its model's own family") {
    const LocalModels models(choose_roles(settings_of({{"model", "m"},
                                                       {"base-url", "http://127.0.0.1:9/v1"},
                                                       {"cache", "64M"},
                                                       {"verifier.directory", kDefault}})));
    Config config;

    const prompts::TemplateSet templates = load_templates(config, &models);

    const auto shipped = prompts::TemplateSet::shipped();
    CHECK(models.of(Role::Generator) == nullptr);
    CHECK(templates.at("generate").text == shipped.at("generate").text);
    CHECK(templates.at("refine").text == shipped.at("refine").text);
    CHECK(templates.at("verify").text.starts_with("Verify.\n{=problem}"));
    CHECK(templates.at("meta_verify").text == shipped.at("meta_verify").text);
    config.prompts = kDefault + "/chalk";
    CHECK_THROWS_WITH_AS(load_templates(config, &models),
                         doctest::Contains("has a place without a fence"), Exit);
  }

  TEST_CASE("a grammar is for judges of this machine, not for a generator") {
    const Split split;
    const std::vector<std::string> server{"--base-url", split.endpoint.url(), "--model",
                                          "scripted",   "--grammar",          "verdict",
                                          "--role"};
    std::vector<std::string> generator = server, verifier = server;
    generator.push_back("generator=directory=" + kTiny);
    verifier.push_back("verifier=directory=" + kTiny);

    const Told refused = split.solve(generator);
    CHECK(refused.code == 2);
    CHECK(has(refused.err, "no judge is a model of this machine"));
    CHECK(split.solve(verifier).code == 0);
    REQUIRE(split.models_of("verifier").size() == 1);
    CHECK(split.models_of("verifier")[0].ends_with(" grammar=verdict"));
  }

  TEST_CASE("doctor tries the model of this machine and the server") {
    const Split split;
    const Told told = split.run({"doctor", "--base-url", split.endpoint.url(), "--model",
                                 "scripted", "--role", "verifier=directory=" + kTiny});
    CHECK(told.code == 0);
    CHECK(has(told.out, "loaded and asked for a token"));
    CHECK(has(told.out, "ok    endpoint " + split.endpoint.url()));
  }
}
