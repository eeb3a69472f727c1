#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "prompts/template.h"
#include "tests/apps/cli_kit.h"

TEST_SUITE("apps/version") {
  TEST_CASE("the version names what it is built with and the hash of each template") {
    const Told told = elenchus({"version", "--json"});

    const auto facts = nlohmann::json::parse(told.out);

    CHECK(told.code == 0);
    CHECK(facts["version"] == apps::kVersion);
    CHECK(facts["boost"].get<std::string>().starts_with("1."));
    CHECK(facts["sqlite"].get<std::string>().starts_with("3."));
    CHECK(facts["openssl"].get<std::string>().starts_with("OpenSSL "));
    CHECK(facts["templates"].size() == 4);
    CHECK(facts["templates"]["verify"] == prompts::TemplateSet::shipped().at("verify").sha256);
  }

  TEST_CASE("for people it is a line for each fact") {
    const Told told = elenchus({"version"});
    CHECK(told.out.starts_with(std::string("elenchus ") + apps::kVersion + "\n"));
    CHECK(has(told.out, "template meta_verify"));
    CHECK(lines_in(told.out) >= 10);
  }
}
