#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "pipeline/call_book.h"
#include "tests/support/scripted_answers.h"

namespace support {

// A book without a ledger: it answers from a script, in an order drawn from a number of its own, so
// that a test can run the same search under many orders of arrival.
class ScriptedBook : public pipeline::CallBook {
 public:
  ScriptedBook(ScriptedRates rates, int64_t seed, uint64_t order)
      : rates_(rates), seed_(seed), order_(order) {}

  pipeline::net::awaitable<pipeline::CallResult> ask(pipeline::CallSpec spec,
                                                     pipeline::Derive derive) override;
  pipeline::net::awaitable<void> record_proof(storage::ProofRow row) override;
  pipeline::net::awaitable<void> record_decision(storage::DecisionRow row) override;
  std::string answer_text(const std::string& key) override { return answers_.at(key); }

  // What stands here is answered instead, by call key.
  std::map<std::string, pipeline::CallResult> instead;

  std::map<pipeline::Role, int> asked;
  std::vector<std::string> keys;  // in the order of asking
  std::vector<storage::ProofRow> proofs;
  std::vector<storage::VoteRow> votes;
  std::vector<storage::MetaVoteRow> meta_votes;
  std::vector<storage::DecisionRow> decisions;
  std::map<std::string, std::string> prompts;  // the rendered bytes, by call key

 private:
  ScriptedRates rates_;
  int64_t seed_;
  uint64_t order_;
  std::map<std::string, std::string> answers_;
};

}  // namespace support
