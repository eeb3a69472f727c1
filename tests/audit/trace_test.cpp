#include "audit/trace.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "formats/jsonl.h"
#include "formats/problems.h"
#include "tests/audit/synthetic.h"

using audit::Origin;
using audit::Trace;
using audit::Traces;

namespace {

const std::string kData = std::string(SOURCE_DIR) + "/../shared/data/";

std::string grader(std::string_view solution, std::string_view report) {
  const auto text = [](std::string_view s) {
    return formats::Value{formats::Kind::String, std::string(s)};
  };
  formats::Record request, response, call;
  request.fields = {
      {"prompt", text("**1. The Problem:**\nP\n\n**2. The Solution:**\n" + std::string(solution) +
                      "\n\n**3. Additional Materials:**\nNone\n")}};
  response.fields = {{"text", text(report)}};
  call.fields = {{"role", text("grader")},
                 {"request", {formats::Kind::Object, formats::jsonl_line(request)}},
                 {"response", {formats::Kind::Object, formats::jsonl_line(response)}}};
  std::string line = formats::jsonl_line(call);
  std::erase(line, '\n');
  return line + "\n";
}

const std::string kPool =
    R"({"proof":"Let $n=1$. Done.","meanscore":0.75,"proof_id":3,"dep_proof_ids":[1],"round_idx":2,)"
    R"("self_eval":{"self_eval":"All is well.","self_eval_score":1},)"
    R"("score2ratings":{"1.0":[{"rating":"A","quality":null,"score":1.0}],)"
    R"("0.5":[{"rating":"B","quality":1,"score":0.5}]}})"
    "\n";

// Cuts and spoils files of each origin at every `step`th byte and reads what is left.
void spoil_everywhere(std::size_t step) {
  const std::string own = audit::write_trace(synthetic::clean_trace(2));
  const std::string log = grader("Proof A.", "Final Grade: 7 / 7");
  std::size_t traces = 0, errors = 0, thrown = 0;
  for (const std::string& bytes : {own + own, kPool + kPool, log + log})
    for (std::size_t size = 0; size <= bytes.size(); size += step)
      for (const std::string& spoilt :
           {bytes.substr(0, size), bytes.substr(0, size) + "\xFF" + bytes.substr(size),
            bytes.substr(0, size) + "[" + bytes.substr(size),
            bytes.substr(0, size) + "0" + bytes.substr(std::min(bytes.size(), size + 1))}) {
        try {
          const Traces read = audit::read_traces(spoilt, "a.jsonl");
          CHECK(read.records > 0);
          traces += read.traces.size();
          errors += read.errors.size();
        } catch (const formats::FormatError&) {
          ++thrown;
        }
      }
  CHECK(traces > 0);
  CHECK(errors > 0);
  CHECK(thrown > 0);
}

}  // namespace

TEST_SUITE("audit/trace") {
  TEST_CASE("a trace of ours is read as it was written") {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      Trace trace = synthetic::clean_trace(seed);
      trace.comments = {"one", "two\n"};
      const std::string line = audit::write_trace(trace);

      const Traces read = audit::read_traces(line, "t.jsonl");

      REQUIRE(read.traces.size() == 1);
      CHECK(read.origin == Origin::Elenchus);
      CHECK(audit::write_trace(read.traces[0]) == line);
      CHECK(read.traces[0].place.line == 1);
    }
  }

  TEST_CASE("what this version does not know is refused with its line and name") {
    const std::string line = audit::write_trace(synthetic::clean_trace(1));
    const std::vector<std::array<std::string, 3>> edits = {
        {"trace/1", "trace/2", "\"schema\" is not"},
        {"\"rule\"", "\"new\":1,\"rule\"", "\"new\" is no name of this format"},
        {"\"counted\"", "\"kept\"", "votes.0: \"standing\" is none of"},
        {"\"quorum\":2", "\"quorum\":-2", "\"quorum\" is not a whole number"},
        {"\"quorum\":2", "\"quorum\":\"2\"", "\"quorum\" is not a number"},
        {"\"proof\":", "\"prof\":", "\"proof\" is missing"},
    };
    for (const auto& edit : edits) {
      const std::string &from = edit[0], &to = edit[1], &complaint = edit[2];
      std::string edited = line;
      edited.replace(edited.find(from), from.size(), to);
      CAPTURE(to);
      const Traces read = audit::read_traces(edited, "t.jsonl");
      REQUIRE(read.errors.size() == 1);
      CHECK(read.traces.empty());
      CHECK(read.errors[0].place.line == 1);
      CHECK(read.errors[0].reason.find(complaint) != std::string::npos);
    }
  }

  TEST_CASE("a pool's record brings its ratings") {
    const Traces read = audit::read_traces(kPool, "IMO2025-1.jsonl");

    REQUIRE(read.traces.size() == 1);
    const Trace& trace = read.traces[0];
    CHECK(read.origin == Origin::DeepSeekPool);
    CHECK(trace.id == "IMO2025-1#3");
    CHECK(trace.self_evaluation == "All is well.");
    CHECK(*trace.mean == 0.75);
    REQUIRE(trace.votes.size() == 2);
    CHECK(trace.votes[1].text == "B");
    CHECK(*trace.votes[1].fraction == 0.5);
    CHECK_FALSE(trace.votes[1].issues);
  }

  TEST_CASE("a pool's rating under the wrong score is read and complained of") {
    std::string pool = kPool;
    pool.replace(pool.find("\"score\":0.5"), 11, "\"score\":1.0");

    const Traces read = audit::read_traces(pool, "p.jsonl");
    CHECK(read.traces.size() == 1);
    CHECK(read.errors.at(0).reason.find("stands among those with 0.5") != std::string::npos);
    pool = kPool;
    pool.replace(pool.find("\"0.5\":["), 7, "\"inf\":[");
    CHECK(audit::read_traces(pool, "p.jsonl").traces.empty());
  }

  TEST_CASE("a final grade is read in its published spellings, and nothing else") {
    CHECK(audit::read_final_grade("x\n**Final Grade: 7 / 7**")->fraction == 1);
    CHECK(audit::read_final_grade("**Final Grade:**\n**(0 / 7)**")->fraction == 0);
    CHECK(audit::read_final_grade("### Final Grade: 6/7\n")->text == "6 / 7");
    CHECK(audit::read_final_grade("Final Grade:\n7 out of 7.")->fraction == 1);
    CHECK(audit::read_final_grade("**Final Grade: 7 / 7**\n*(complete)*")->fraction == 1);
    CHECK(audit::read_final_grade("Final Grade: 7/7\nFinal grade: 7 / 7")->fraction == 1);
    for (const std::string_view bad :
         {"", "7 / 7", "the Final Grade: 7/7", "Final Grade: 8 / 7", "Final Grade: 7",
          "Final Grade: 7 / 0", "Final Grade: 7/7\nFinal Grade: 0/7", "Final Grade: -1 / 7",
          "Final Grade: 7 / 7.5", "Final Grade:", "Final Grade: 7/7\nFinal Grade",
          "Final Grade: 99999 / 99999"})
      CHECK_FALSE(audit::read_final_grade(bad));
  }

  TEST_CASE("a Momus log's calls on one proof make one trace") {
    const std::string log =
        grader("Proof A.", "Final Grade: 7 / 7") + grader("", "Final Grade: 0 / 7") +
        grader("Proof A.", "Final Gra") +
        R"({"role":"solver","request":{},"response":{"text":"Thoughts.\nProof A."}})"
        "\n"
        R"({"role":"solver","request":{"generation_config":{"max_tokens":10}},"response":{"text":"Cut of","usage":{"candidatesTokenCount":8,"thoughtsTokenCount":2}}})"
        "\n"
        R"({"role":"solver","request":{},"success":false,"error":"429"})"
        "\n"
        R"({"role":"answer_processor","request":{"question_prompt":"Cut of"},"response":{"text":"gaps"}})"
        "\n"
        R"({"role":"cook","request":{},"response":{"text":""}})"
        "\n";

    const Traces read = audit::read_traces(log, "a.jsonl");

    CHECK(read.records == 8);
    REQUIRE(read.traces.size() == 3);
    CHECK(read.traces[0].proof == "Proof A.");
    CHECK(read.traces[0].problem == "P");
    CHECK(*read.traces[0].returned == 2);
    CHECK(*read.traces[0].parsed == 1);
    CHECK(read.traces[0].votes[1].truncated);
    CHECK(read.traces[0].votes[1].line == 3);
    CHECK(read.traces[1].proof.empty());
    CHECK(read.traces[2].proof_truncated);
    CHECK(read.traces[2].comments == std::vector<std::string>{"gaps"});
    REQUIRE(read.errors.size() == 2);
    CHECK(to_text(read.errors[0]) == "a.jsonl:6: the call failed: 429");
    CHECK(read.errors[1].reason.find("cook") != std::string::npos);
  }

  TEST_CASE("a log of more proofs than the limit is refused") {
    std::string log;
    for (std::size_t i = 0; i <= audit::kLogProofsMax; ++i)
      log += grader("Proof " + std::to_string(i), "Final Grade: 7 / 7");
    CHECK_THROWS_WITH(audit::read_traces(log, "a.jsonl"), "a.jsonl:2001: more than 2000 proofs");
  }

  TEST_CASE("a trace of more votes than the limit is refused, the others are read") {
    Trace large = synthetic::clean_trace(1);
    large.votes.assign(audit::kVotesMax + 1, {.score = "1", .fraction = 1});
    const Traces read = audit::read_traces(
        audit::write_trace(large) + audit::write_trace(synthetic::clean_trace(2)), "t.jsonl");

    CHECK(read.traces.size() == 1);
    CHECK(read.errors.at(0).reason.find("more than 10000") != std::string::npos);
  }

  TEST_CASE("a file of no known origin is refused with the origins there are") {
    CHECK_THROWS_WITH(audit::read_traces("{\"a\":1}\n", "a.jsonl"),
                      doctest::Contains("no record of a known trace"));
    CHECK_THROWS_AS(audit::read_traces("", "a.jsonl"), formats::FormatError);
  }

  TEST_CASE("every record of the published files is read") {
    if (!std::filesystem::exists(kData)) {
      MESSAGE("skipped: the data are not there");
      return;
    }
    std::size_t proofs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kData + "dsmv2_outputs")) {
      const Traces read =
          audit::read_traces(formats::read_file(entry.path().string()), entry.path().string());
      CHECK(read.origin == Origin::DeepSeekOutputs);
      CHECK(read.errors.empty());
      CHECK(read.traces.size() == read.records);
      proofs += read.traces.size();
    }
    CHECK(proofs == 84);

    const std::string log = kData + "momus_trace/PB-Advanced-002_api_log.jsonl";
    const Traces read = audit::read_traces(formats::read_file(log), log);
    CHECK(read.records == 22);
    CHECK(read.errors.empty());
    std::size_t votes = 0, comments = 0, empty = 0;
    for (const Trace& trace : read.traces) {
      votes += trace.votes.size();
      comments += trace.comments.size();
      empty += trace.proof.empty();
      CHECK(trace.parsed.value_or(0) == trace.votes.size());
    }
    CHECK(votes == 10);
    CHECK(comments == 4);
    CHECK(empty == 2);  // line 10: the solver's answer; line 13: what was graded
  }

  TEST_CASE("a file cut or spoilt anywhere gives traces or errors") { spoil_everywhere(41); }
}

TEST_SUITE("slow/audit/trace") {
  TEST_CASE("a file cut or spoilt at every third byte gives traces or errors") {
    spoil_everywhere(3);
  }
}
