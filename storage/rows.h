#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace storage {

// The rows of the ledger as plain data. Times are Unix milliseconds. What a score, a role or an
// outcome means is not known here: they are words that `pipeline` writes and reads.
// The tables and what each column means stand in storage/schema.md.

struct RunRow {
  int64_t id = 0;
  std::string kind;            // solve, grade
  std::string subject_sha256;  // of the inputs: same inputs, same subject
  std::string meaning;         // canonical JSON of all that can change a verdict
  std::string settings;        // JSON of what cannot: concurrency, budgets, display
  std::string model;           // what answers, in words
  std::string program;         // version of this program
  std::string secret;          // 32 random bytes: nonces of fences derive from it
  int64_t seed = 0;
  int64_t created_at = 0;
  std::string state;  // running, interrupted, stopped, finished
  std::string state_reason;
  std::optional<int64_t> forked_from;
};

struct ProblemRow {
  int64_t ordinal = 0;  // from 0, in the order of the input
  std::string name;     // the input's own id
  std::string sha256;   // of statement, reference and rubric: what calls are keyed by
  std::string statement;
  std::optional<std::string> reference;
  std::optional<std::string> rubric;
  std::string source;    // file and line
  std::string metadata;  // JSON: further columns of the input
};

struct ProofRow {
  std::string key;          // unique in the run: where in the search it arose
  std::string content_key;  // of problem and text: what is judged. Equal proofs share it, and with
                            // it their votes; calls, votes and decisions refer to it.
  std::string problem_sha256;
  int64_t round = 0;  // 0: first attempts, and submitted proofs
  int64_t slot = 0;
  std::string text;
  std::optional<std::string> self_score;
  std::optional<std::string> self_evaluation;
  std::optional<std::string> call_key;  // what generated it; absent for a submitted proof
  std::vector<std::string> parents;     // keys of the proofs it refines, best first
  std::string flags;                    // JSON array of gate flags
};

// A prompt as recipe: the template and the texts that fill it, from which its bytes follow.
// It is stored once, however many calls share it.
struct PromptRow {
  struct Part {
    std::string name;
    std::string text;
  };
  std::string template_name;
  std::string template_text;
  std::vector<Part> parts;
  std::string sha256;  // of the rendered bytes: an audit renders again and compares
};

struct CallIntent {
  std::string key;   // role/problem/…/ask: unique in the run, free of clock, load and chance
  std::string role;  // generator, verifier, meta_verifier
  std::string problem_sha256;
  std::optional<std::string> content_key;
  int64_t index = 0;
  int64_t ask = 0;  // 0, and 1 for the one re-ask after an answer that could not be read
  // Shared, because thousands of calls in flight ask the same prompt.
  std::shared_ptr<const PromptRow> prompt;
  std::string sampling;  // JSON
  int64_t seed = 0;
  std::string model;
};

struct AttemptRow {
  std::string endpoint;
  int64_t started_at = 0;
  int64_t ended_at = 0;
  std::string outcome;  // answered, or why not, in a word
  int64_t http_status = 0;
  std::string detail;
};

struct CallAnswer {
  std::string state;  // answered, failed, cancelled
  std::string finish_reason;
  std::string text;
  std::string reasoning;
  std::string error;
  std::string endpoint;
  int64_t sent_at = 0;
  int64_t done_at = 0;
  std::optional<int64_t> tokens_prompt;
  std::optional<int64_t> tokens_cached;
  std::optional<int64_t> tokens_output;
  std::optional<int64_t> tokens_reasoning;
  bool tokens_estimated = false;  // the server sent no usage: counted by us
  double cost = 0;                // in the currency of the price table
  std::vector<AttemptRow> attempts;
};

struct IssueRow {
  std::string severity;
  std::string quote;
  std::string reason;
  std::optional<int64_t> begin;  // where the quote stands in the proof, if it does
  std::optional<int64_t> end;
};

struct VoteRow {
  std::string call_key;
  std::string content_key;
  int64_t index = 0;
  std::string outcome;  // parsed, unparsed, failed
  std::optional<std::string> score;
  std::string note;   // why it is unparsed, failed or struck by code
  bool echo = false;  // copies the proof's own evaluation: struck by code
  std::vector<IssueRow> issues;
};

struct MetaVoteRow {
  std::string call_key;
  std::string vote_call_key;
  int64_t index = 0;
  std::string outcome;
  std::optional<std::string> score;
  std::optional<std::string> verdict;  // upheld, struck
  std::string real;                    // JSON array, one boolean for each issue
  std::optional<bool> consistent;
  std::string note;
};

struct DecisionRow {
  std::string problem_sha256;
  std::optional<std::string> content_key;  // absent: about the problem
  std::string rule;
  int64_t rule_version = 0;
  std::string outcome;
  std::string numbers;  // JSON: what the rule used
};

struct AnnotationRow {
  std::string problem_sha256;
  std::optional<std::string> content_key;
  std::string author;
  std::string kind;  // mark, note
  std::string body;  // JSON
};

// What a run begins with, recorded together with it.
struct RunInputs {
  std::vector<ProblemRow> problems;
  std::vector<ProofRow> proofs;  // submitted ones; what is generated is added later
  std::vector<AnnotationRow> annotations;
};

// A call as it stands in the ledger.
struct StoredCall {
  std::string key;
  std::string role;
  std::string problem_sha256;
  std::optional<std::string> content_key;
  int64_t index = 0;
  int64_t ask = 0;
  std::string prompt_sha256;
  std::string state;  // intended, answered, failed, cancelled
  int64_t seed = 0;
  std::string model;
  CallAnswer answer;
};

}  // namespace storage
