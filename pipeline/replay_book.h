#pragma once

#include <set>
#include <string>
#include <vector>

#include "pipeline/call_book.h"
#include "storage/ledger.h"

namespace pipeline {

// The book of a run that is only looked at: it knows what the ledger knows and never calls a
// model. A call that the ledger cannot answer is noted and its caller left waiting, because in the
// live run it may have been cancelled when a survivor made it needless.
class ReplayBook : public CallBook {
 public:
  ReplayBook(const storage::LedgerReader& reader, int64_t run) : reader_(reader), run_(run) {}

  net::awaitable<CallResult> ask(CallSpec spec, Derive derive) override;
  net::awaitable<void> record_proof(storage::ProofRow row) override;
  net::awaitable<void> record_decision(storage::DecisionRow row) override;
  std::string answer_text(const std::string& key) override;

  const std::set<std::string>& missing() const { return missing_; }
  const std::vector<storage::DecisionRow>& decisions() const { return decisions_; }
  // Calls whose prompt, built again, has other bytes than the one that was sent.
  const std::set<std::string>& changed_prompts() const { return changed_prompts_; }
  int64_t calls() const { return calls_; }

 private:
  const storage::LedgerReader& reader_;
  int64_t run_;
  int64_t calls_ = 0;
  std::set<std::string> missing_;
  std::set<std::string> changed_prompts_;
  std::vector<storage::DecisionRow> decisions_;
};

}  // namespace pipeline
