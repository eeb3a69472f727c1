#include "apps/estimate.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/cli_kit.h"
#include "tests/apps/runs_kit.h"

using namespace apps;
using nlohmann::json;

namespace {

// One attempt, two votes, no meta-votes; answers of at most 100 tokens.
Config small_config() {
  Config config;
  config.effort.pool = 1;
  config.effort.rounds = 0;
  config.effort.votes = {.votes = 2, .quorum = 1, .meta = 0};
  config.effort.wave = 2;
  for (pipeline::RoleSettings& role : config.roles) {
    role.sampling.max_tokens = 100;
    role.price = {.prompt_per_million = 0, .output_per_million = 1'000'000};
  }
  config.in_flight = 10;
  return config;
}

Assumptions half_as_long() {
  Assumptions made;
  made.accept = {0.5, "assumed"};
  made.negative = {0.5, "assumed"};
  for (std::size_t role = 0; role < made.output.size(); ++role) {
    made.output[role] = {50, "assumed"};
    made.answer[role] = {10, "assumed"};
  }
  made.speed = {10, "assumed"};
  return made;
}

pipeline::Item problem_item() { return {"p", kit_problem("p"), nullptr}; }

}  // namespace

TEST_SUITE("apps/estimate") {
  TEST_CASE("the ceiling asks for everything twice and at full length") {
    const ItemEstimate e = estimate_item(problem_item(), small_config(),
                                         prompts::TemplateSet::shipped(), half_as_long());

    CHECK(e.ceiling.calls.generator == 2);
    CHECK(e.ceiling.calls.verifier == 4);
    CHECK(e.ceiling.tokens_output == 600);
    CHECK(e.ceiling.cost == doctest::Approx(600));
    CHECK(e.expected.calls.generator == 1);
    CHECK(e.expected.calls.verifier == 2);
    CHECK(e.expected.tokens_output == 150);
    CHECK(e.expected.cost == doctest::Approx(150));
    // A proof, then a wave of votes on it: 50 + 50 tokens at 10 a second.
    CHECK(e.expected.seconds == doctest::Approx(10));
    CHECK(e.ceiling.seconds == doctest::Approx(40));
  }

  TEST_CASE("the expectation never passes the ceiling") {
    for (const std::string_view name : pipeline::kEffortNames) {
      CAPTURE(name);
      Config config = small_config();
      config.effort = *pipeline::effort_of(name);

      const ItemEstimate e =
          estimate_item(problem_item(), config, prompts::TemplateSet::shipped(), half_as_long());

      CHECK(e.expected.calls.total() <= e.ceiling.calls.total());
      CHECK(e.expected.tokens_prompt <= e.ceiling.tokens_prompt);
      CHECK(e.expected.tokens_output <= e.ceiling.tokens_output);
      CHECK(e.expected.seconds <= e.ceiling.seconds);
    }
  }

  TEST_CASE("a prompt counts the template, the problem and what is yet to be written") {
    Config config = small_config();
    const Assumptions assumptions = half_as_long();
    const prompts::TemplateSet templates = prompts::TemplateSet::shipped();
    const double before =
        estimate_item(problem_item(), config, templates, assumptions).expected.tokens_prompt;
    Assumptions longer = assumptions;
    longer.answer[0].value += 7;  // a longer proof is read by each of the two votes
    const double after =
        estimate_item(problem_item(), config, templates, longer).expected.tokens_prompt;

    CHECK(after - before == doctest::Approx(14));
    CHECK(before > 100);
  }

  TEST_CASE("a graded proof is judged and nothing is generated") {
    Config config = small_config();
    config.effort = *pipeline::effort_of("standard");
    const pipeline::Item item{"p", kit_problem("p"), std::make_shared<const std::string>("QED")};

    const ItemEstimate e =
        estimate_item(item, config, prompts::TemplateSet::shipped(), half_as_long());

    CHECK(e.ceiling.calls.generator == 0);
    CHECK(e.ceiling.calls.verifier == 16);
    CHECK(e.ceiling.calls.meta_verifier == 48);
    CHECK(e.expected.calls.verifier == 8);
    CHECK(e.expected.calls.meta_verifier == 12);
  }

  TEST_CASE("items go side by side until the places are taken") {
    const Config config = small_config();  // 10 in flight at 10 tokens a second: 100 a second
    const ItemEstimate one =
        estimate_item(problem_item(), config, prompts::TemplateSet::shipped(), half_as_long());

    const ItemEstimate two = total_of({one, one}, config, half_as_long());
    const ItemEstimate many = total_of(std::vector<ItemEstimate>(100, one), config, half_as_long());

    CHECK(two.expected.seconds == doctest::Approx(10));
    CHECK(many.expected.seconds == doctest::Approx(150));  // 15,000 tokens
    CHECK(many.expected.calls.total() == 300);
  }

  TEST_CASE("what was measured replaces what is assumed, and the flag replaces both") {
    History history;
    history.roles[1] = {.calls = 30,
                        .output_tokens = 30'000,
                        .with_reasoning = 30,
                        .answer_tokens = 6'000,
                        .seconds = 600};
    history.votes = 100;
    history.negative_votes = 30;
    history.judged = 19;  // one too few
    history.accepted = 19;

    const Assumptions measured = assumptions_of({}, history, {});
    const Assumptions by_hand = assumptions_of({.negative = 0.9, .output_tokens = 5}, history, {});

    CHECK(measured.negative.value == doctest::Approx(0.3));
    CHECK(measured.negative.source == "measured on 100 votes");
    CHECK(measured.accept.source == "assumed");
    CHECK(measured.output[1].value == 1000);
    CHECK(measured.output[0].source == "assumed");
    CHECK(measured.answer[1].value == 200);
    CHECK(measured.speed.value == 50);
    CHECK(by_hand.negative.value == 0.9);
    CHECK(by_hand.negative.source == "--assume-negative");
    CHECK(by_hand.output[1].value == 5);
    CHECK(by_hand.answer[1].value == 5);  // an answer is no longer than the output it is part of
  }

  TEST_CASE("only calls of the same model are measured") {
    const auto stored = solved_run();
    const storage::LedgerReader reader(stored->ledger);

    const History same = read_history(reader, {"scripted", "scripted", "scripted"});
    const History other = read_history(reader, {"script", "other", ""});

    CHECK(same.calls() > 5);
    CHECK(same.votes > 0);
    CHECK(same.judged > 0);
    CHECK(other.calls() == 0);
    CHECK(other.votes == 0);
    CHECK(other.judged == 0);
  }

  TEST_CASE("the command prints ceiling, expectation and every assumption") {
    const support::TempDir folder;
    write_file(folder / "p.jsonl", "{\"id\": \"a\", \"problem\": \"Prove that 1 + 1 = 2.\"}\n");
    const std::vector<std::string> words{"estimate",        (folder / "p.jsonl").string(),
                                         "--effort",        "quick",
                                         "--budget-calls",  "5",
                                         "--assume-accept", "0.5"};
    std::vector<std::string> as_json = words;
    as_json.push_back("--json");

    const Told told = elenchus(words);
    const Told document = elenchus(as_json);

    CHECK(told.code == 0);
    CHECK(has(told.out, "ceiling: calls"));
    CHECK(has(told.out, "--assume-accept"));
    CHECK(has(told.out, "--budget-calls is expected to stop this run before its end"));
    REQUIRE(document.code == 0);
    const json read = json::parse(document.out);
    CHECK(read["items"].size() == 1);
    CHECK(read["items"][0]["id"] == "a");
    CHECK(read["total"]["ceiling"]["calls"]["total"] > read["total"]["expected"]["calls"]["total"]);
    CHECK(read["assumptions"].size() >= 5);
  }

  TEST_CASE("a share outside of 0 to 1 is refused") {
    const Told told = elenchus({"estimate", "x.md", "--assume-accept", "1.5"});
    CHECK(told.code == 2);
    CHECK(told.err == "elenchus: --assume-accept is 1.5, but must be a share from 0 to 1\n");
  }
}
