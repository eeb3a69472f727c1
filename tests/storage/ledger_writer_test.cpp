#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "storage/ledger.h"
#include "storage/sqlite.h"
#include "tests/storage/ledger_fixture.h"

using storage::LedgerReader;

namespace {

int64_t count(const std::filesystem::path& file, const std::string& what) {
  storage::Database database(file, storage::Database::Access::Read);
  storage::Statement statement(database, "SELECT count(*) FROM " + what);
  REQUIRE(statement.step());
  return statement.integer(0);
}

}  // namespace

TEST_SUITE("storage/ledger_writer") {
  TEST_CASE("an intent is in the file before its `done` is called") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");

    ledger.intend(sample_intent("generator/0"));

    const auto call = LedgerReader(ledger.file).call(ledger.run, "generator/0");
    REQUIRE(call);
    CHECK(call->state == "intended");
    CHECK(call->seed == 42);
    CHECK(call->prompt_sha256 == sample_intent("generator/0").prompt->sha256);
  }

  TEST_CASE("an equal intent is taken again, and the file counts how often") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.intend(sample_intent("generator/0"));

    ledger.intend(sample_intent("generator/0"));

    CHECK(count(ledger.file, "call") == 1);
    CHECK(count(ledger.file, "call WHERE intents = 2") == 1);
  }

  TEST_CASE("an intent with another prompt, seed, sampling or role names the key") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.intend(sample_intent("generator/0"));
    storage::CallIntent prompt = sample_intent("generator/0");
    prompt.prompt = sample_prompt("another statement");
    storage::CallIntent seed = sample_intent("generator/0");
    seed.seed = 43;
    storage::CallIntent sampling = sample_intent("generator/0");
    sampling.sampling = "{}";
    storage::CallIntent role = sample_intent("generator/0");
    role.role = "verifier";

    for (const auto& changed :
         {std::pair{prompt, "another prompt"}, std::pair{seed, "another seed"},
          std::pair{sampling, "another sampling"}, std::pair{role, "another role"}}) {
      const std::string error = failure_of([&] { ledger.intend(changed.first); });
      CHECK(holds(error, "generator/0"));
      CHECK(holds(error, changed.second));
      CHECK_THROWS_AS(ledger.intend(changed.first), std::logic_error);
    }
    CHECK(count(ledger.file, "prompt") == 1);  // what the refused one would have added is undone
  }

  TEST_CASE("texts of an operation that was undone are stored by the next one that needs them") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.intend(sample_intent("generator/0"));
    storage::CallIntent other = sample_intent("generator/0");
    other.prompt = sample_prompt("another statement");
    CHECK_THROWS_AS(ledger.intend(other), std::logic_error);

    other.key = "generator/1";
    ledger.intend(other);

    const auto prompt = LedgerReader(ledger.file).prompt_of(ledger.run, "generator/1");
    REQUIRE(prompt);
    CHECK(prompt->parts.at(0).text == "another statement");
  }

  TEST_CASE("rows that name a problem, proof or call that is not there are refused") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    storage::CallIntent no_problem = sample_intent("a", sample_problem(0, "unknown"));
    storage::CallIntent no_proof = sample_intent("b");
    no_proof.content_key = "none";
    storage::CallIntent no_prompt = sample_intent("c");
    no_prompt.prompt = nullptr;
    storage::ProofRow no_call = sample_proof("p", "text");
    no_call.call_key = "none";
    storage::ProofRow no_parent = sample_proof("q", "text");
    no_parent.parents = {"none"};

    CHECK_THROWS_AS(ledger.intend(no_problem), std::logic_error);
    CHECK_THROWS_AS(ledger.intend(no_proof), std::logic_error);
    CHECK_THROWS_AS(ledger.intend(no_prompt), std::logic_error);
    CHECK_THROWS_AS(ledger.add_proof(no_call), std::logic_error);
    CHECK_THROWS_AS(ledger.add_proof(no_parent), std::logic_error);
    CHECK_THROWS_AS(ledger.answer("none", sample_answer("x")), std::logic_error);
    CHECK_THROWS_AS(ledger.writer.set_run_state(99, "finished", ""), std::logic_error);
    CHECK_THROWS_AS(ledger.writer.annotate(ledger.run, {"none", {}, "ann", "note", "{}"}),
                    std::logic_error);
    CHECK(count(ledger.file, "proof") == 0);
  }

  TEST_CASE("an equal answer is taken twice and stands once; another one is refused") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.intend(sample_intent("generator/0"));
    ledger.answer("generator/0", sample_answer("yes"));

    storage::CallAnswer later = sample_answer("yes");
    later.done_at += 5;  // what it says is the same
    ledger.answer("generator/0", later);
    const std::string error =
        failure_of([&] { ledger.answer("generator/0", sample_answer("no")); });

    CHECK(holds(error, "generator/0"));
    CHECK(holds(error, "another answer"));
    const auto call = LedgerReader(ledger.file).call(ledger.run, "generator/0");
    CHECK(call->answer.text == "yes");
    CHECK(call->answer.attempts.size() == 2);
  }

  TEST_CASE("the same text with another vote is another answer") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    const storage::ProofRow proof = sample_proof("proof/0", "text");
    ledger.add_proof(proof);
    ledger.intend(sample_intent("verifier/0"));
    ledger.answer("verifier/0", sample_answer("yes"),
                  sample_vote("verifier/0", proof.content_key, "1"));

    CHECK_THROWS_AS(ledger.answer("verifier/0", sample_answer("yes"),
                                  sample_vote("verifier/0", proof.content_key, "0")),
                    std::logic_error);
    CHECK_NOTHROW(ledger.answer("verifier/0", sample_answer("yes"),
                                sample_vote("verifier/0", proof.content_key, "1")));
  }

  TEST_CASE("an answer and its vote come together or not at all") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.intend(sample_intent("verifier/0"));

    CHECK_THROWS_AS(
        ledger.answer("verifier/0", sample_answer("yes"), sample_vote("verifier/0", "none", "1")),
        std::logic_error);
    CHECK_THROWS_AS(
        ledger.answer("verifier/0", sample_answer("yes"), {}, sample_meta_vote("other", "x")),
        std::logic_error);

    CHECK(LedgerReader(ledger.file).call(ledger.run, "verifier/0")->state == "intended");
    CHECK(count(ledger.file, "attempt") == 0);
  }

  TEST_CASE("a failed call can be intended again and answered, and keeps its attempts") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    const storage::ProofRow proof = sample_proof("proof/0", "text");
    ledger.add_proof(proof);
    storage::CallAnswer failed = sample_answer("half an ans");
    failed.state = "failed";
    failed.error = "cut";
    storage::VoteRow none = sample_vote("verifier/0", proof.content_key, "0");
    none.outcome = "failed";
    none.score.reset();
    ledger.intend(sample_intent("verifier/0"));
    ledger.answer("verifier/0", failed, none);
    CHECK_THROWS_AS(ledger.answer("verifier/0", sample_answer("yes")), std::logic_error);

    ledger.intend(sample_intent("verifier/0"));
    {
      const LedgerReader reader(ledger.file);
      CHECK(reader.call(ledger.run, "verifier/0")->state == "intended");
      CHECK(reader.call(ledger.run, "verifier/0")->answer.error == "");
      CHECK(reader.votes(ledger.run).empty());
    }
    ledger.answer("verifier/0", sample_answer("yes"),
                  sample_vote("verifier/0", proof.content_key, "1"));

    const LedgerReader reader(ledger.file);
    const auto call = reader.call(ledger.run, "verifier/0");
    CHECK(call->answer.text == "yes");
    CHECK(call->answer.error == "");
    CHECK(call->answer.attempts.size() == 4);
    REQUIRE(reader.votes(ledger.run).size() == 1);
    CHECK(reader.votes(ledger.run)[0].score == "1");
  }

  TEST_CASE("an answered call stays answered when it is intended again") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.intend(sample_intent("generator/0"));
    ledger.answer("generator/0", sample_answer("yes"));

    ledger.intend(sample_intent("generator/0"));

    CHECK(LedgerReader(ledger.file).call(ledger.run, "generator/0")->answer.text == "yes");
  }

  TEST_CASE("equal proofs share a content; a key with other content is refused") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    ledger.add_proof(sample_proof("proof/0", "text"));
    ledger.add_proof(sample_proof("proof/1", "text"));
    ledger.add_proof(sample_proof("proof/0", "text"));
    storage::ProofRow clash = sample_proof("proof/2", "other text");
    clash.content_key = sample_proof("proof/0", "text").content_key;

    CHECK_THROWS_AS(ledger.add_proof(sample_proof("proof/0", "other text")), std::logic_error);
    CHECK_THROWS_AS(ledger.add_proof(clash), std::logic_error);

    CHECK(count(ledger.file, "proof") == 2);
    CHECK(count(ledger.file, "content") == 1);
  }

  TEST_CASE("a prompt and its parts stand once, however many calls share them") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");

    for (int i = 0; i < 64; ++i) ledger.intend(sample_intent("generator/" + std::to_string(i)));

    CHECK(count(ledger.file, "call") == 64);
    CHECK(count(ledger.file, "prompt") == 1);
    CHECK(count(ledger.file, "text") == 3);  // template, advice, and the statement of the problem
  }

  TEST_CASE("two inputs with equal content are one problem; one sha256 with two texts is refused") {
    TemporaryFolder folder;
    storage::LedgerWriter writer(folder / "a.sqlite");
    storage::ProblemRow again = sample_problem();
    again.ordinal = 1;
    again.name = "the same once more";
    storage::ProblemRow clash = sample_problem();
    clash.ordinal = 1;
    clash.rubric = "7 points";

    const int64_t run = writer.create_run(sample_run(), {sample_problem(), again});
    CHECK_THROWS_AS(writer.create_run(sample_run(), {sample_problem(), clash}), std::logic_error);

    CHECK(count(folder / "a.sqlite", "problem") == 1);
    CHECK(LedgerReader(folder / "a.sqlite").problems(run).size() == 2);
    CHECK(count(folder / "a.sqlite", "run") == 1);
  }

  TEST_CASE("a run begins with all of its inputs or not at all") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    storage::LedgerWriter writer(file);
    storage::RunInputs inputs;
    inputs.problems = {sample_problem()};
    inputs.proofs = {sample_proof("submitted/0", "a"), sample_proof("submitted/1", "b")};
    inputs.annotations = {
        {inputs.proofs[0].problem_sha256, inputs.proofs[0].content_key, "input", "mark",
         R"({"fraction":1})"},
        {inputs.proofs[1].problem_sha256, "no such proof", "input", "mark", R"({"fraction":0})"}};

    CHECK_THROWS(writer.begin_run(sample_run(), inputs));
    CHECK(count(file, "run") == 0);
    CHECK(count(file, "proof") == 0);

    inputs.annotations[1].content_key = inputs.proofs[1].content_key;
    const int64_t before = writer.commits();
    const int64_t run = writer.begin_run(sample_run(), inputs);
    CHECK(writer.commits() == before + 1);
    CHECK(LedgerReader(file).proofs(run).size() == 2);
    CHECK(LedgerReader(file).annotations(run).size() == 2);
  }

  TEST_CASE(
      "operations queued together share transactions, and one that fails undoes only itself") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    const int64_t before = ledger.writer.commits();
    std::vector<int> order;
    std::atomic<int> failed = 0;

    for (int i = 0; i < 500; ++i) {
      const bool bad = i % 100 == 50;
      ledger.writer.intend(ledger.run,
                           bad ? sample_intent("bad", sample_problem(0, "unknown"))
                               : sample_intent("generator/" + std::to_string(i)),
                           [&order, &failed, i](std::exception_ptr error) {
                             order.push_back(i);
                             if (error) ++failed;
                           });
    }
    CHECK_THROWS_AS(ledger.writer.flush(), std::logic_error);
    CHECK_NOTHROW(ledger.writer.flush());  // told once

    CHECK(order.size() == 500);
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK(failed == 5);
    CHECK(count(ledger.file, "call") == 495);
    CHECK(ledger.writer.commits() - before < 100);
    CHECK(ledger.writer.queued() == 0);
  }

  TEST_CASE("more than 65,536 waiting operations are refused at once") {
    TemporaryFolder folder;
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    std::promise<void> blocked;
    std::atomic<int> refused = 0;
    Ledger ledger(folder / "a.sqlite");
    ledger.writer.intend(ledger.run, sample_intent("first"), [&](std::exception_ptr) {
      blocked.set_value();
      released.wait();  // a disk that takes its time
    });
    blocked.get_future().wait();
    const storage::DecisionRow row = {sample_problem().sha256, {}, "mean", 1, "x", "{}"};
    const auto done = [&refused](std::exception_ptr error) { refused += error ? 1 : 0; };

    for (int i = 0; i < 65'536; ++i) ledger.writer.decide(ledger.run, row, done);
    CHECK(refused == 0);
    CHECK(ledger.writer.queued() == 65'536);
    ledger.writer.decide(ledger.run, row, done);
    CHECK(refused == 1);

    release.set_value();
    ledger.writer.flush();
    CHECK(refused == 1);
  }

  TEST_CASE("waiting for the writer on its own thread is a bug that is told") {
    TemporaryFolder folder;
    std::promise<std::string> told;
    Ledger ledger(folder / "a.sqlite");

    ledger.writer.intend(ledger.run, sample_intent("generator/0"), [&](std::exception_ptr) {
      told.set_value(failure_of([&] { ledger.writer.flush(); }));
    });

    CHECK(holds(told.get_future().get(), "waits for the writer thread"));
    ledger.writer.flush();  // the callback has returned
  }

  TEST_CASE("closing commits what is queued and leaves one file") {
    TemporaryFolder folder;
    const auto file = folder / "a.sqlite";
    std::atomic<int> committed = 0;
    {
      Ledger ledger(file);
      for (int i = 0; i < 100; ++i)
        ledger.writer.intend(ledger.run, sample_intent("generator/" + std::to_string(i)),
                             [&](std::exception_ptr error) { committed += error ? 0 : 1; });
    }

    CHECK(committed == 100);
    CHECK(!std::filesystem::exists(file.string() + "-wal"));
    CHECK(count(file, "call") == 100);
  }

  TEST_CASE("the log is copied into the database as it grows, and does not grow without end") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");

    for (int i = 0; i < 24; ++i) {
      const std::string key = "generator/" + std::to_string(i);
      ledger.intend(sample_intent(key));
      ledger.answer(key, sample_answer(std::string(1 << 20, char('a' + i))));
    }

    // About 48 MiB of texts went in: a log without checkpoints would hold them all.
    CHECK(std::filesystem::file_size(ledger.file.string() + "-wal") < (24u << 20));
    CHECK(std::filesystem::file_size(ledger.file) > (16u << 20));
  }

  TEST_CASE("a decision replaces the earlier one of its rule") {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    storage::DecisionRow row = {sample_problem().sha256, {}, "mean", 1, "undecided", "{}"};
    ledger.decide(row);
    row.rule = "label";
    ledger.decide(row);

    row.rule = "mean";
    row.rule_version = 2;
    row.outcome = "accepted";
    ledger.decide(row);

    const auto decisions = LedgerReader(ledger.file).decisions(ledger.run);
    REQUIRE(decisions.size() == 2);
    CHECK(decisions[0].rule == "label");
    CHECK(decisions[1].outcome == "accepted");
    CHECK(decisions[1].rule_version == 2);
  }

  TEST_CASE("another program that keeps the database busy fails a batch, not the writer" *
            doctest::test_suite("slow/storage/ledger_writer")) {
    TemporaryFolder folder;
    Ledger ledger(folder / "a.sqlite");
    storage::Database other(ledger.file, storage::Database::Access::Write);
    {
      storage::Transaction holding(other);
      CHECK(holds(failure_of([&] { ledger.intend(sample_intent("generator/0")); }),
                  "another program is writing"));
    }

    CHECK_NOTHROW(ledger.intend(sample_intent("generator/0")));
  }
}
