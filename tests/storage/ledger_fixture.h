#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "storage/ledger.h"
#include "text/sha256.h"

// A folder of its own for one test case, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ledger-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const char* name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
}

// What `work` throws, as text; empty if nothing.
template <class Work>
std::string failure_of(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

inline bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Queues one operation and waits: throws what it failed with.
//   settle([&](storage::Done done) { writer.intend(run, intent, std::move(done)); });
template <class Start>
void settle(const Start& start) {
  auto promise = std::make_shared<std::promise<void>>();
  std::future<void> settled = promise->get_future();
  start([promise](std::exception_ptr error) {
    if (error)
      promise->set_exception(error);
    else
      promise->set_value();
  });
  settled.get();
}

inline storage::RunRow sample_run() {
  storage::RunRow run;
  run.kind = "solve";
  run.subject_sha256 = text::sha256_hex("subject");
  run.meaning = R"({"votes":4})";
  run.settings = R"({"in_flight":8})";
  run.model = "scripted";
  run.program = "0.1.0";
  run.secret = std::string("\0secret\xff", 8);
  run.seed = 7;
  run.created_at = 1'700'000'000'000;
  run.state = "running";
  return run;
}

inline storage::ProblemRow sample_problem(int64_t ordinal = 0, const std::string& name = "sum") {
  storage::ProblemRow problem;
  problem.ordinal = ordinal;
  problem.name = name;
  problem.statement = "Prove that 1 + 3 + ... is a square. [" + name + "]";
  problem.sha256 = text::sha256_hex(problem.statement);
  problem.source = "problems.jsonl:1";
  problem.metadata = "{}";
  return problem;
}

inline std::shared_ptr<const storage::PromptRow> sample_prompt(const std::string& problem) {
  storage::PromptRow prompt;
  prompt.template_name = "generate.md";
  prompt.template_text = "Prove: {{problem}} {{advice}}";
  prompt.parts = {{"problem", problem}, {"advice", "Be brief."}};
  prompt.sha256 = text::sha256_hex("Prove: " + problem + " Be brief.");
  return std::make_shared<const storage::PromptRow>(std::move(prompt));
}

inline storage::CallIntent sample_intent(const std::string& key,
                                         const storage::ProblemRow& problem = sample_problem()) {
  storage::CallIntent intent;
  intent.key = key;
  intent.role = "generator";
  intent.problem_sha256 = problem.sha256;
  intent.index = 3;
  intent.prompt = sample_prompt(problem.statement);
  intent.sampling = R"({"temperature":1.0})";
  intent.seed = 42;
  intent.model = "scripted";
  return intent;
}

inline storage::CallAnswer sample_answer(const std::string& text) {
  storage::CallAnswer answer;
  answer.state = "answered";
  answer.finish_reason = "stop";
  answer.text = text;
  answer.reasoning = "thinking about " + text;
  answer.endpoint = "http://127.0.0.1:1";
  answer.sent_at = 1'000;
  answer.done_at = 1'250;
  answer.tokens_prompt = 100;
  answer.tokens_cached = 64;
  answer.tokens_output = 20;
  answer.cost = 0.25;
  answer.attempts = {{"http://127.0.0.1:1", 1'000, 1'100, "http 503", 503, "busy"},
                     {"http://127.0.0.1:1", 1'100, 1'250, "answered", 200, ""}};
  return answer;
}

inline storage::ProofRow sample_proof(const std::string& key, const std::string& text,
                                      const storage::ProblemRow& problem = sample_problem()) {
  storage::ProofRow proof;
  proof.key = key;
  proof.content_key = problem.sha256.substr(0, 16) + '/' + text::sha256_hex(text).substr(0, 16);
  proof.problem_sha256 = problem.sha256;
  proof.text = text;
  proof.flags = "[]";
  return proof;
}

inline storage::VoteRow sample_vote(const std::string& call_key, const std::string& content_key,
                                    const std::string& score) {
  storage::VoteRow vote;
  vote.call_key = call_key;
  vote.content_key = content_key;
  vote.outcome = "parsed";
  vote.score = score;
  vote.issues = {{"major", "a square", "not shown", 10, 18}, {"minor", "nowhere", "", {}, {}}};
  return vote;
}

inline storage::MetaVoteRow sample_meta_vote(const std::string& call_key,
                                             const std::string& vote_call_key) {
  storage::MetaVoteRow vote;
  vote.call_key = call_key;
  vote.vote_call_key = vote_call_key;
  vote.outcome = "parsed";
  vote.score = "1";
  vote.verdict = "upheld";
  vote.real = "[true,false]";
  vote.consistent = true;
  return vote;
}

// A ledger with one run of one problem, and short names for the queued operations.
struct Ledger {
  explicit Ledger(const std::filesystem::path& path) : file(path), writer(path) {
    run = writer.create_run(sample_run(), {sample_problem()});
  }

  void intend(const storage::CallIntent& intent) {
    settle([&](storage::Done done) { writer.intend(run, intent, std::move(done)); });
  }
  void answer(const std::string& key, const storage::CallAnswer& answer,
              const std::optional<storage::VoteRow>& vote = {},
              const std::optional<storage::MetaVoteRow>& meta_vote = {}) {
    settle([&](storage::Done done) {
      writer.answer(run, key, answer, vote, meta_vote, std::move(done));
    });
  }
  void add_proof(const storage::ProofRow& proof) {
    settle([&](storage::Done done) { writer.add_proof(run, proof, std::move(done)); });
  }
  void decide(const storage::DecisionRow& row) {
    settle([&](storage::Done done) { writer.decide(run, row, std::move(done)); });
  }

  std::filesystem::path file;
  storage::LedgerWriter writer;
  int64_t run = 0;
};

// A run with every kind of row: two equal proofs, a vote against them and a meta-vote on it.
inline void fill(Ledger& ledger) {
  ledger.intend(sample_intent("generator/0"));
  ledger.answer("generator/0", sample_answer("first proof"));
  storage::ProofRow proof = sample_proof("proof/0", "first proof");
  proof.call_key = "generator/0";
  proof.self_score = "1";
  proof.self_evaluation = "It is complete.";
  ledger.add_proof(proof);
  storage::ProofRow equal = sample_proof("proof/1", "first proof");
  equal.round = 1;
  equal.parents = {"proof/0"};
  ledger.add_proof(equal);

  storage::CallIntent vote = sample_intent("verifier/0");
  vote.role = "verifier";
  vote.content_key = proof.content_key;
  ledger.intend(vote);
  ledger.answer("verifier/0", sample_answer("there is a gap"),
                sample_vote("verifier/0", proof.content_key, "0.5"));
  storage::CallIntent meta = sample_intent("meta/0");
  meta.role = "meta_verifier";
  meta.content_key = proof.content_key;
  ledger.intend(meta);
  ledger.answer("meta/0", sample_answer("the gap is real"), {},
                sample_meta_vote("meta/0", "verifier/0"));

  storage::DecisionRow decision;
  decision.problem_sha256 = sample_problem().sha256;
  decision.content_key = proof.content_key;
  decision.rule = "label";
  decision.rule_version = 1;
  decision.outcome = "refused";
  decision.numbers = R"({"votes":1})";
  ledger.decide(decision);
  ledger.writer.annotate(
      ledger.run, {sample_problem().sha256, proof.content_key, "ann", "mark", R"({"score":"0"})"});
}
