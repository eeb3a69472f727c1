#include "tests/support/fault_script.h"

#include <doctest/doctest.h>

#include <set>
#include <stdexcept>

using namespace support;  // the room under test

namespace {

constexpr std::chrono::seconds kAtOnce(0);

FaultKind kind(FaultScript& script, std::string_view id) {
  return script.decide({.request_id = id}, kAtOnce).kind;
}

}  // namespace

TEST_SUITE("endpoint/fault_script") {
  TEST_CASE("the first rule whose conditions all hold decides") {
    FaultScript script(
        "# a comment\n"
        "\n"
        "id=verifier attempt=1 -> hang\n"
        "id=verifier -> 503\n"
        "always -> cut at=7\n");
    CHECK(kind(script, "run/verifier/3#1") == FaultKind::Hang);
    CHECK(kind(script, "run/verifier/3#2") == FaultKind::Status);
    CHECK(kind(script, "run/generator/3#1") == FaultKind::Cut);
  }

  TEST_CASE("a call is named by its whole key") {
    FaultScript script("call=verifier/1 -> hang\n");
    CHECK(kind(script, "verifier/1#1") == FaultKind::Hang);
    CHECK(kind(script, "verifier/1#2") == FaultKind::Hang);
    CHECK(kind(script, "meta_verifier/1#1") == FaultKind::None);
    CHECK(kind(script, "verifier/12#1") == FaultKind::None);
    CHECK(kind(script, "") == FaultKind::None);
  }

  TEST_CASE("requests are counted for nth, every and times") {
    FaultScript script("nth=2 -> hang\nevery=3 times=1 -> close\n");
    CHECK(kind(script, "a#1") == FaultKind::None);
    CHECK(kind(script, "b#1") == FaultKind::Hang);
    CHECK(kind(script, "c#1") == FaultKind::Close);
    CHECK(kind(script, "d#1") == FaultKind::None);
    CHECK(kind(script, "e#1") == FaultKind::None);
    CHECK(kind(script, "f#1") == FaultKind::None);  // the sixth, but once was enough
  }

  TEST_CASE("a rate draws the same calls whatever else is asked") {
    FaultScript one("rate=0.25 -> 500\n");
    FaultScript other("rate=0.25 -> 500\n");
    kind(other, "something else#1");
    int hits = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::string key = "call " + std::to_string(i);
      const FaultKind first = kind(one, key + "#1");
      CHECK(first == kind(other, key + "#2"));
      hits += first != FaultKind::None;
    }
    CHECK(hits > 200);
    CHECK(hits < 300);
  }

  TEST_CASE("calls without an attempt number are counted by prompt and seed") {
    FaultScript script("attempt=2 -> hang\n");
    CHECK(script.decide({.request_id = "", .prompt_and_seed = 5}, kAtOnce).kind == FaultKind::None);
    CHECK(script.decide({.request_id = "", .prompt_and_seed = 6}, kAtOnce).kind == FaultKind::None);
    CHECK(script.decide({.request_id = "", .prompt_and_seed = 5}, kAtOnce).kind == FaultKind::Hang);
  }

  TEST_CASE("flip is good and bad by turns") {
    FaultScript script("flip=5 -> 500\n");
    const auto at = [&](int seconds) {
      return script.decide({.request_id = "x#1"}, std::chrono::seconds(seconds)).kind;
    };
    CHECK(at(1) == FaultKind::None);
    CHECK(at(6) == FaultKind::Status);
    CHECK(at(11) == FaultKind::None);
  }

  TEST_CASE("streams and plain requests can be told apart") {
    FaultScript script("stream=yes -> hang\n");
    CHECK(script.decide({.request_id = "", .stream = true}, kAtOnce).kind == FaultKind::Hang);
    CHECK(script.decide({.request_id = "", .stream = false}, kAtOnce).kind == FaultKind::None);
  }

  TEST_CASE("values keep their blanks and escapes between quotes") {
    FaultScript script(
        "always -> 429 retry-after=\"Wed, 21 Oct 2026 07:28:00 GMT\" body=\"a \\\"b\\\"\\n\"\n");
    const Fault fault = script.decide({}, kAtOnce);
    CHECK(fault.status == 429);
    CHECK(fault.text("retry-after") == "Wed, 21 Oct 2026 07:28:00 GMT");
    CHECK(fault.text("body") == "a \"b\"\n");
  }

  TEST_CASE("mixed faults hit first attempts alone and are of many kinds") {
    FaultScript script;
    script.add_mixed(1);
    std::set<std::string> names;
    for (int i = 0; i < 200; ++i) {
      const std::string key = "call " + std::to_string(i);
      const Fault fault = script.decide({.request_id = key + "#1"}, kAtOnce);
      CHECK(fault.kind != FaultKind::Mixed);
      CHECK_FALSE(fault.delivers());
      names.insert(fault.name);
      CHECK(kind(script, key + "#2") == FaultKind::None);
    }
    CHECK(names.size() == 12);
  }

  TEST_CASE("a rule that cannot be read is refused with its line") {
    for (const char* rule :
         {"always", "-> hang", "always -> explode", "always -> hang at=1", "sometimes -> hang",
          "nth=x -> hang", "nth=-1 -> hang", "always -> cut at=soon", "always -> 429 body=\"open",
          "nth -> hang", "always=1 -> hang", "always -> 200", "always -> status"}) {
      CAPTURE(rule);
      try {
        FaultScript script("# one\n" + std::string(rule));
        FAIL("was accepted");
      } catch (const std::runtime_error& error) {
        CHECK(std::string(error.what()).find("line 2") != std::string::npos);
      }
    }
  }

  TEST_CASE("a script with too many rules or bytes is refused") {
    std::string rules;
    for (std::size_t i = 0; i <= FaultScript::kRulesMax; ++i) rules += "always -> hang\n";
    CHECK_THROWS_AS(FaultScript{rules}, std::runtime_error);
    CHECK_THROWS_AS(FaultScript{std::string(FaultScript::kScriptBytesMax + 1, '\n')},
                    std::runtime_error);
  }

  TEST_CASE("the attempt is the number behind the last mark") {
    CHECK(attempt_of("a#b#12") == 12);
    CHECK(attempt_of("a#") == std::nullopt);
    CHECK(attempt_of("a#1x") == std::nullopt);
    CHECK(attempt_of("a") == std::nullopt);
  }
}
