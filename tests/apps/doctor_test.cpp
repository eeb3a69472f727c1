#include "apps/doctor.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "storage/ledger.h"
#include "storage/lock.h"
#include "tests/apps/cli_kit.h"
#include "tests/support/scripted_endpoint.h"

using namespace apps;
using nlohmann::json;

namespace {

const Check* find(const Checks& checks, std::string_view name) {
  for (const Check& check : checks)
    if (check.name == name) return &check;
  return nullptr;
}

json check_named(const json& document, const std::string& beginning) {
  for (const json& check : document["checks"])
    if (check["name"].get<std::string>().starts_with(beginning)) return check;
  return nullptr;
}

struct Doctor {
  support::TempDir folder;
  Told run(std::vector<std::string> words, const Variables& variables = {}) const {
    words.insert(words.begin(), "doctor");
    words.insert(words.end(), {"--db", (folder / "ledger.sqlite").string()});
    return elenchus(words, variables);
  }
};

}  // namespace

TEST_SUITE("apps/doctor") {
  TEST_CASE("a folder in which a ledger works is found so, and left as it was") {
    const support::TempDir folder;

    const Checks checks = check_storage(folder / "state/ledger.sqlite", Depth::Quick);

    for (const Check& check : checks) {
      CAPTURE(check.name);
      CAPTURE(check.message);
      CHECK(check.state != Check::State::Fail);
    }
    CHECK(has(find(checks, "ledger folder")->message, "written, read back and checked"));
    CHECK(std::filesystem::is_empty(folder / "state"));
  }

  TEST_CASE("a folder that cannot be is a failure with a remedy") {
    const support::TempDir folder;
    write_file(folder / "file", "no folder");

    const Checks checks = check_storage(folder / "file/ledger.sqlite", Depth::Quick);

    REQUIRE(find(checks, "ledger folder") != nullptr);
    CHECK(find(checks, "ledger folder")->state == Check::State::Fail);
    CHECK(has(find(checks, "ledger folder")->remedy, "--db"));
    CHECK(exit_code_of(checks) == ExitCode::ItemFailed);
  }

  TEST_CASE("a ledger is told with its version, who writes it, and deep what is wrong in it") {
    const support::TempDir folder;
    const std::filesystem::path ledger = folder / "ledger.sqlite";
    {
      const storage::LedgerWriter writer(ledger);
      const auto holder = lock_holder(ledger);
      REQUIRE(holder);
      CHECK(*holder == "process " + std::to_string(::getpid()));
    }
    CHECK_FALSE(lock_holder(ledger));

    const Checks quick = check_storage(ledger, Depth::Quick);
    const Checks deep = check_storage(ledger, Depth::Deep);

    CHECK(has(find(quick, "ledger")->message, "0 run(s)"));
    CHECK(find(quick, "ledger content") == nullptr);
    CHECK(find(deep, "ledger content")->state == Check::State::Ok);
  }

  TEST_CASE("a file that is no ledger is a failure") {
    const support::TempDir folder;
    write_file(folder / "ledger.sqlite", std::string(8192, 'x'));

    const Checks checks = check_storage(folder / "ledger.sqlite", Depth::Deep);

    CHECK(find(checks, "ledger")->state == Check::State::Fail);
    CHECK(has(find(checks, "ledger")->remedy, "backup"));
  }

  TEST_CASE("more calls in flight than descriptors are a failure that names the number") {
    Config config;
    config.in_flight = 2'000'000'000;
    const Checks checks =
        check_machine(Settings(), config, [](const std::string&) { return std::nullopt; });
    const Check* check = find(checks, "descriptors");
    // Where any number may be open there is nothing to find.
    if (has(check->message, "any number")) return;
    CHECK(check->state == Check::State::Fail);
    CHECK(has(check->remedy, "2000000064"));
  }

  TEST_CASE("without a server there is a warning and no failure") {
    const Doctor doctor;
    const Told told = doctor.run({"--json"});

    const json document = json::parse(told.out);

    CHECK(told.code == 0);
    CHECK(check_named(document, "endpoint")["state"] == "warn");
    CHECK(has(check_named(document, "endpoint")["remedy"].get<std::string>(), "--base-url"));
  }

  TEST_CASE("a server that answers is well, with what it can do") {
    const support::ScriptedEndpoint endpoint{support::EndpointOptions{}};
    const Doctor doctor;

    const Told told = doctor.run({"--base-url", endpoint.url(), "--model", "scripted"});

    CHECK(told.code == 0);
    CHECK(has(told.out, "ok    endpoint " + endpoint.url()));
    CHECK(has(told.out, "reasoning in `reasoning_content`"));
    CHECK(has(told.out, "ms for one token"));
    CHECK(told.err.empty());
  }

  TEST_CASE("without a model the server's models are listed") {
    const support::ScriptedEndpoint endpoint{support::EndpointOptions{}};
    const Doctor doctor;

    const Told told = doctor.run({"--base-url", endpoint.url(), "--json"});
    const json check = check_named(json::parse(told.out), "endpoint");

    CHECK(told.code == 0);
    CHECK(check["state"] == "warn");
    CHECK(has(check["message"].get<std::string>(), "it has scripted"));
    CHECK(has(check["remedy"].get<std::string>(), "--model scripted"));
  }

  TEST_CASE("a wrong model is a failure of the backend that names the nearest") {
    const support::ScriptedEndpoint endpoint{support::EndpointOptions{}};
    const Doctor doctor;

    const Told told = doctor.run({"--base-url", endpoint.url(), "--model", "scribted", "--json"});
    const json check = check_named(json::parse(told.out), "endpoint");

    CHECK(told.code == 3);
    CHECK(check["state"] == "fail");
    CHECK(has(check["remedy"].get<std::string>(), "scripted"));
  }

  TEST_CASE("a server that is not there is a failure of the backend") {
    std::string url;
    {
      const support::ScriptedEndpoint endpoint{support::EndpointOptions{}};
      url = endpoint.url();
    }
    const Doctor doctor;
    const Told told = doctor.run({"--base-url", url, "--model", "m"});
    CHECK(told.code == 3);
    CHECK(has(told.out, "fail  endpoint"));
    CHECK(has(told.out, "start the server"));
  }

  TEST_CASE("no key stands in what the doctor says") {
    support::EndpointOptions options;
    options.api_key = "sk-right";
    const support::ScriptedEndpoint endpoint{options};
    const Doctor doctor;

    const Told told = doctor.run({"--base-url", endpoint.url(), "--model", "scripted"},
                                 {{"OPENAI_API_KEY", "sk-wrong-and-secret"}});

    CHECK(told.code == 3);
    CHECK_FALSE(has(told.out + told.err, "sk-wrong-and-secret"));
    CHECK(has(told.out, "key that it accepts"));
  }

  TEST_CASE("a wrong configuration file is a failure, and the rest is checked all the same") {
    const Doctor doctor;
    write_file(doctor.folder / "my.toml", "votess = 3\n");

    const Told told = doctor.run({"--config", (doctor.folder / "my.toml").string(), "--json"});
    const json document = json::parse(told.out);

    CHECK(told.code == 1);
    CHECK(check_named(document, "configuration")["state"] == "fail");
    CHECK(has(check_named(document, "configuration")["message"].get<std::string>(),
              "my.toml:1: there is no setting 'votess'; did you mean 'votes'?"));
    CHECK(check_named(document, "ledger folder").is_object());
    CHECK(check_named(document, "templates")["state"] == "ok");
  }

  TEST_CASE("templates that cannot be used are a failure") {
    const Doctor doctor;
    std::filesystem::create_directory(doctor.folder / "prompts");
    write_file(doctor.folder / "prompts/verify.md", "Judge this: {proof}\n");

    const Told told = doctor.run({"--prompts", (doctor.folder / "prompts").string(), "--json"});

    CHECK(told.code == 1);
    CHECK(check_named(json::parse(told.out), "templates")["state"] == "fail");
  }
}
