#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/chat.h"
#include "prompts/template.h"
#include "storage/rows.h"

namespace pipeline {

// A prompt as the model gets it and as the ledger keeps it, made once for all calls that ask it.
struct Prompt {
  std::shared_ptr<const std::vector<prompts::Segment>> segments;
  std::shared_ptr<const storage::PromptRow> row;
  std::size_t bytes = 0;
  // Eight digits that name the template and the texts, whatever the run's secret is.
  std::string fingerprint;
};
std::shared_ptr<const Prompt> make_prompt(const prompts::Template& source,
                                          std::vector<prompts::Part> parts,
                                          std::string_view secret);

struct CallSpec {
  Role role = Role::Verifier;
  std::string key;  // what is asked, in words that never depend on clock, load or chance
  std::string problem_sha256;
  std::optional<std::string> content_key;
  int64_t index = 0;
  int64_t ask = 0;
  std::shared_ptr<const Prompt> prompt;
  std::string affinity;
};

// What came of a call, from the model or from the ledger: the pipeline cannot tell which.
struct CallResult {
  bool answered = false;
  std::string finish_reason{};  // "stop" or something else; only "stop" can be scored
  std::string text{};
  std::string error{};  // why it failed
};

// The rows that follow from an answer, written in the same transaction.
struct DerivedRows {
  std::optional<storage::VoteRow> vote;
  std::optional<storage::MetaVoteRow> meta_vote;
};
using Derive = std::function<DerivedRows(const CallResult&)>;

// The one way in which the loop asks and records anything. A run is a pure function of what its
// book answers: LiveBook asks the model what the ledger does not know yet; ReplayBook knows the
// ledger only.
class CallBook {
 public:
  virtual ~CallBook() = default;

  // Returns once the answer is safe in the ledger. A book that will not answer (the run is being
  // stopped; a row is missing) leaves the caller waiting until it is cancelled.
  virtual net::awaitable<CallResult> ask(CallSpec spec, Derive derive) = 0;

  virtual net::awaitable<void> record_proof(storage::ProofRow row) = 0;
  virtual net::awaitable<void> record_decision(storage::DecisionRow row) = 0;

  // The text of an answered call. REQUIRES: ask() has returned it before.
  virtual std::string answer_text(const std::string& key) = 0;
};

// The seed that the call is sent with: of the run's seed, what is asked and which ask it is, never
// of the attempt, so that sending again after a broken connection asks for the same answer.
int64_t call_seed(int64_t run_seed, const CallSpec& spec);

}  // namespace pipeline
