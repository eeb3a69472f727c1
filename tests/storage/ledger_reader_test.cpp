#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <tuple>

#include "storage/ledger.h"
#include "tests/storage/ledger_fixture.h"
#include "tests/support/child_process.h"

using storage::LedgerReader;

TEST_SUITE("storage/ledger_reader") {
  TEST_CASE("a run comes back as it was written") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.writer.set_run_state(ledger.run, "stopped", "budget");
    storage::RunRow fork = sample_run();
    fork.forked_from = ledger.run;
    const int64_t second = ledger.writer.create_run(fork, {});

    const LedgerReader reader(ledger.file);
    const auto run = reader.run(ledger.run);

    REQUIRE(run);
    CHECK(run->kind == "solve");
    CHECK(run->subject_sha256 == sample_run().subject_sha256);
    CHECK(run->meaning == sample_run().meaning);
    CHECK(run->settings == sample_run().settings);
    CHECK(run->model == "scripted");
    CHECK(run->program == "0.1.0");
    CHECK(run->secret == std::string("\0secret\xff", 8));
    CHECK(run->seed == 7);
    CHECK(run->created_at == 1'700'000'000'000);
    CHECK(run->state == "stopped");
    CHECK(run->state_reason == "budget");
    CHECK(!run->forked_from);
    CHECK(!reader.run(99));
    REQUIRE(reader.runs().size() == 2);
    CHECK(reader.runs()[0].id == ledger.run);
    CHECK(reader.runs()[1].id == second);
    CHECK(reader.runs()[1].forked_from == ledger.run);
  }

  TEST_CASE("problems come back in the order of the input") {
    TemporaryFolder folder;
    storage::LedgerWriter writer(folder / "a.sqlite");
    storage::ProblemRow rich = sample_problem(0, "rich");
    rich.reference = "By induction.";
    rich.rubric = "";
    rich.metadata = R"({"year":1988})";

    const int64_t run = writer.create_run(sample_run(), {sample_problem(1, "plain"), rich});
    const auto problems = LedgerReader(folder / "a.sqlite").problems(run);

    REQUIRE(problems.size() == 2);
    CHECK(problems[0].name == "rich");
    CHECK(problems[0].statement == rich.statement);
    CHECK(problems[0].sha256 == rich.sha256);
    CHECK(problems[0].reference == "By induction.");
    CHECK(problems[0].rubric == "");  // empty is not absent
    CHECK(problems[0].metadata == rich.metadata);
    CHECK(problems[1].ordinal == 1);
    CHECK(problems[1].source == "problems.jsonl:1");
    CHECK(!problems[1].reference);
  }

  TEST_CASE("proofs come back with parents, by round and slot") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.intend(sample_intent("generator/0"));
    storage::ProofRow second = sample_proof("a", "second");
    second.slot = 1;
    storage::ProofRow first = sample_proof("b", "first");
    first.call_key = "generator/0";
    first.self_score = "0.5";
    first.self_evaluation = "One step is missing.";
    first.flags = R"(["short"])";
    storage::ProofRow refined = sample_proof("0", "refined");
    refined.round = 1;
    refined.parents = {"b", "a"};
    for (const auto& proof : {second, first, refined}) ledger.add_proof(proof);

    const auto proofs = LedgerReader(ledger.file).proofs(ledger.run);

    REQUIRE(proofs.size() == 3);
    CHECK(proofs[0].key == "b");
    CHECK(proofs[0].content_key == first.content_key);
    CHECK(proofs[0].problem_sha256 == sample_problem().sha256);
    CHECK(proofs[0].text == "first");
    CHECK(proofs[0].self_score == "0.5");
    CHECK(proofs[0].self_evaluation == "One step is missing.");
    CHECK(proofs[0].call_key == "generator/0");
    CHECK(proofs[0].flags == R"(["short"])");
    CHECK(proofs[1].key == "a");
    CHECK(!proofs[1].self_score);
    CHECK(proofs[2].key == "0");
    CHECK(proofs[2].round == 1);
    CHECK(proofs[2].parents == std::vector<std::string>{"b", "a"});
  }

  TEST_CASE("a call comes back with its answer, its texts and its attempts") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    storage::CallAnswer answer = sample_answer(std::string("a\0b", 3));
    answer.tokens_estimated = true;
    ledger.intend(sample_intent("generator/1"));
    ledger.intend(sample_intent("generator/0"));
    ledger.answer("generator/0", answer);

    const LedgerReader reader(ledger.file);
    const auto call = reader.call(ledger.run, "generator/0");

    REQUIRE(call);
    CHECK(call->role == "generator");
    CHECK(call->problem_sha256 == sample_problem().sha256);
    CHECK(!call->content_key);
    CHECK(call->index == 3);
    CHECK(call->ask == 0);
    CHECK(call->model == "scripted");
    CHECK(call->state == "answered");
    CHECK(call->answer.state == "answered");
    CHECK(call->answer.finish_reason == "stop");
    CHECK(call->answer.text == std::string("a\0b", 3));
    CHECK(call->answer.reasoning == answer.reasoning);
    CHECK(call->answer.endpoint == answer.endpoint);
    CHECK(call->answer.sent_at == 1'000);
    CHECK(call->answer.done_at == 1'250);
    CHECK(call->answer.tokens_prompt == 100);
    CHECK(call->answer.tokens_cached == 64);
    CHECK(call->answer.tokens_output == 20);
    CHECK(!call->answer.tokens_reasoning);
    CHECK(call->answer.tokens_estimated);
    CHECK(call->answer.cost == 0.25);
    REQUIRE(call->answer.attempts.size() == 2);
    CHECK(call->answer.attempts[0].outcome == "http 503");
    CHECK(call->answer.attempts[0].http_status == 503);
    CHECK(call->answer.attempts[0].detail == "busy");
    CHECK(call->answer.attempts[1].endpoint == answer.endpoint);
    CHECK(call->answer.attempts[1].started_at == 1'100);
    CHECK(call->answer.attempts[1].ended_at == 1'250);
    CHECK(!reader.call(ledger.run, "generator/2"));

    const auto calls = reader.calls(ledger.run);
    REQUIRE(calls.size() == 2);
    CHECK(calls[0].key == "generator/0");
    CHECK(calls[0].answer.text == "");
    CHECK(calls[0].answer.attempts.size() == 2);
    CHECK(calls[1].state == "intended");
  }

  TEST_CASE("a prompt comes back as its template and its parts in order") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.intend(sample_intent("generator/0"));

    const LedgerReader reader(ledger.file);
    const auto prompt = reader.prompt_of(ledger.run, "generator/0");

    REQUIRE(prompt);
    CHECK(prompt->template_name == "generate.md");
    CHECK(prompt->template_text == "Prove: {{problem}} {{advice}}");
    CHECK(prompt->sha256 == sample_intent("generator/0").prompt->sha256);
    REQUIRE(prompt->parts.size() == 2);
    CHECK(prompt->parts[0].name == "problem");
    CHECK(prompt->parts[0].text == sample_problem().statement);
    CHECK(prompt->parts[1].name == "advice");
    CHECK(prompt->parts[1].text == "Be brief.");
    CHECK(!reader.prompt_of(ledger.run, "generator/1"));
  }

  TEST_CASE("votes, meta-votes, decisions and annotations come back as they were written") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    fill(ledger);
    const std::string content = sample_proof("", "first proof").content_key;

    const LedgerReader reader(ledger.file);
    const auto votes = reader.votes(ledger.run);
    const auto meta_votes = reader.meta_votes(ledger.run);
    const auto decisions = reader.decisions(ledger.run);
    const auto annotations = reader.annotations(ledger.run);

    REQUIRE(votes.size() == 1);
    CHECK(votes[0].call_key == "verifier/0");
    CHECK(votes[0].content_key == content);
    CHECK(votes[0].outcome == "parsed");
    CHECK(votes[0].score == "0.5");
    CHECK(!votes[0].echo);
    REQUIRE(votes[0].issues.size() == 2);
    CHECK(votes[0].issues[0].severity == "major");
    CHECK(votes[0].issues[0].quote == "a square");
    CHECK(votes[0].issues[0].reason == "not shown");
    CHECK(votes[0].issues[0].begin == 10);
    CHECK(votes[0].issues[0].end == 18);
    CHECK(!votes[0].issues[1].begin);
    REQUIRE(meta_votes.size() == 1);
    CHECK(meta_votes[0].call_key == "meta/0");
    CHECK(meta_votes[0].vote_call_key == "verifier/0");
    CHECK(meta_votes[0].score == "1");
    CHECK(meta_votes[0].verdict == "upheld");
    CHECK(meta_votes[0].real == "[true,false]");
    CHECK(meta_votes[0].consistent == true);
    REQUIRE(decisions.size() == 1);
    CHECK(decisions[0].content_key == content);
    CHECK(decisions[0].numbers == R"({"votes":1})");
    REQUIRE(annotations.size() == 1);
    CHECK(annotations[0].problem_sha256 == sample_problem().sha256);
    CHECK(annotations[0].content_key == content);
    CHECK(annotations[0].author == "ann");
    CHECK(annotations[0].kind == "mark");
    CHECK(annotations[0].body == R"({"score":"0"})");
  }

  TEST_CASE("votes stand by proof, then by index") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    const auto one = sample_proof("one", "1");
    const auto two = sample_proof("two", "2");
    ledger.add_proof(one);
    ledger.add_proof(two);
    for (const auto& [key, proof, index] :
         {std::tuple{"d", one, 1}, std::tuple{"c", two, 1}, std::tuple{"b", one, 0}}) {
      ledger.intend(sample_intent(key));
      storage::VoteRow vote = sample_vote(key, proof.content_key, "1");
      vote.index = index;
      ledger.answer(key, sample_answer(key), vote);
    }

    const auto votes = LedgerReader(ledger.file).votes(ledger.run);

    REQUIRE(votes.size() == 3);
    const std::string keys = votes[0].call_key + votes[1].call_key + votes[2].call_key;
    CHECK(keys == (one.content_key < two.content_key ? "bdc" : "cbd"));
  }

  TEST_CASE("totals add up a run") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    for (const char* key : {"a", "b", "c", "d"}) ledger.intend(sample_intent(key));
    ledger.answer("a", sample_answer("x"));
    storage::CallAnswer failed = sample_answer("");
    failed.state = "failed";
    ledger.answer("b", failed);
    storage::CallAnswer cancelled;
    cancelled.state = "cancelled";
    ledger.answer("c", cancelled);

    const LedgerReader reader(ledger.file);
    const auto totals = reader.totals(ledger.run);

    CHECK(totals.calls == 2);
    CHECK(totals.intended == 1);
    CHECK(totals.attempts == 4);
    CHECK(totals.tokens_prompt == 200);
    CHECK(totals.tokens_output == 40);
    CHECK(totals.cost == 0.5);
    CHECK(totals.milliseconds >= 0);
    CHECK(totals.milliseconds < 60'000);
    CHECK(reader.totals(99).calls == 0);
  }

  TEST_CASE("a reader sees each commit while the writer goes on") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    const LedgerReader reader(ledger.file);
    std::atomic<bool> over = false;
    std::atomic<int> committed = 0;
    std::thread writing([&] {
      for (int i = 0; i < 200; ++i) {
        ledger.intend(sample_intent("generator/" + std::to_string(i)));
        ++committed;
      }
      over = true;
    });

    bool behind = false;
    while (!over) {
      const int before = committed;
      behind = behind || int(reader.calls(ledger.run).size()) < before;
    }
    writing.join();

    CHECK(!behind);
    CHECK(reader.calls(ledger.run).size() == 200);
  }

  TEST_CASE("what is missing, empty or no ledger is refused with a sentence") {
    TemporaryFolder folder;
    write_bytes(folder / "empty.sqlite", "");

    CHECK(holds(failure_of([&] { LedgerReader reader(folder / "none"); }), "there is no file"));
    CHECK(holds(failure_of([&] { LedgerReader reader(folder / "empty.sqlite"); }), "is empty"));
  }

  TEST_CASE("a ledger in a folder that cannot be written can be read, but not with a log") {
    TemporaryFolder folder;
    const auto file = folder / "a#1?.sqlite";
    {
      Ledger ledger(file);
      fill(ledger);
    }
    ::chmod(folder.path().c_str(), 0555);
    ::chmod(file.c_str(), 0444);
    const auto as_nobody = [&](const auto& look) {
      return support::ChildProcess([&](int) {
               if (::geteuid() == 0 && ::setuid(65534) != 0) return 90;
               return look();
             })
          .wait(std::chrono::seconds(60))
          .exit_code;
    };

    CHECK(as_nobody([&] {
            const LedgerReader reader(file);
            return reader.runs().size() == 1 && reader.check().empty() ? 0 : 1;
          }) == 0);
    CHECK(as_nobody([&] {
            const std::string error = failure_of([&] { storage::LedgerWriter writer(file); });
            return holds(error, "Permission denied") || holds(error, "may only be read") ? 0 : 1;
          }) == 0);

    ::chmod(folder.path().c_str(), 0755);
    write_bytes(file.string() + "-wal", "what a crash left");
    ::chmod(folder.path().c_str(), 0555);
    CHECK(as_nobody([&] {
            const std::string error = failure_of([&] { LedgerReader reader(file); });
            return holds(error, "copy both into a folder") ? 0 : 1;
          }) == 0);
    ::chmod(folder.path().c_str(), 0755);
  }
}
