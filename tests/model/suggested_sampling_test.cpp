#include "model/suggested_sampling.h"

#include <doctest/doctest.h>

#include <fstream>

#include "model/config.h"
#include "tests/support/temp_dir.h"

using namespace model;

namespace {

SuggestedSampling suggested(const std::string& json) {
  const support::TempDir folder;
  std::ofstream(folder / "generation_config.json") << json;
  return suggested_sampling(folder.path());
}

}  // namespace

TEST_SUITE("model/suggested_sampling") {
  TEST_CASE("temperature and top_p are taken as they stand") {
    const SuggestedSampling both = suggested(R"({"temperature": 0.6, "top_p": 0.95})");
    CHECK(both.temperature == 0.6);
    CHECK(both.top_p == 0.95);
    CHECK(suggested(R"({"temperature": 1})").temperature == 1);
  }

  TEST_CASE("what is not there is not advised") {
    const support::TempDir empty;
    CHECK_FALSE(suggested_sampling(empty.path()).temperature);
    CHECK_FALSE(suggested(R"({"eos_token_id": 1})").temperature);
    CHECK_FALSE(suggested(R"({"temperature": null})").temperature);
    CHECK_FALSE(suggested("{}").top_p);
  }

  TEST_CASE("who is not to sample takes the likeliest token") {
    CHECK(suggested(R"({"do_sample": false, "temperature": 0.6})").temperature == 0);
    CHECK(suggested(R"({"do_sample": true, "temperature": 0.6})").temperature == 0.6);
  }

  TEST_CASE("what cannot be meant is refused") {
    CHECK_THROWS_WITH_AS(
        suggested(R"({"temperature": -1})"),
        "generation_config.json: temperature is -1; it must be a number, 0.0 to 10.0", Refused);
    CHECK_THROWS_AS(suggested(R"({"top_p": 1.5})"), Refused);
    CHECK_THROWS_AS(suggested(R"({"do_sample": "no"})"), Refused);
    CHECK_THROWS_AS(suggested("temperature: 1"), Refused);
  }
}
