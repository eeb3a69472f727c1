#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rows.h"
#include "storage/statements.h"
#include "storage/text_store.h"

namespace storage {

// Writes each kind of row on one connection, inside a transaction of its caller. What contradicts
// the ledger (a key that is not there, a key with other content) throws std::logic_error; the
// caller then rolls back to before the call, and calls forget(). `now` is in Unix milliseconds.
class RowWriter {
 public:
  explicit RowWriter(Database& database) : statements_(database), texts_(statements_) {}

  int64_t create_run(const RunRow& run, const std::vector<ProblemRow>& problems);
  void set_run_state(int64_t run, std::string_view state, std::string_view reason);
  void add_proof(int64_t run, const ProofRow& row);
  void intend(int64_t run, const CallIntent& intent, int64_t now);
  void answer(int64_t run, const std::string& call_key, const CallAnswer& answer,
              const std::optional<VoteRow>& vote, const std::optional<MetaVoteRow>& meta_vote,
              int64_t now);
  void decide(int64_t run, const DecisionRow& row, int64_t now);
  void annotate(int64_t run, const AnnotationRow& row, int64_t now);

  void forget() { texts_.forget(); }

 private:
  void add_problem(int64_t run, const ProblemRow& row);
  int64_t problem_id(int64_t run, std::string_view sha256);
  int64_t proof_id(int64_t run, std::string_view key);
  int64_t content_id(int64_t run, std::string_view key);
  std::optional<int64_t> content_id(int64_t run, const std::optional<std::string>& key);
  int64_t add_content(int64_t run, const ProofRow& row);
  std::optional<int64_t> call_id(int64_t run, const std::optional<std::string>& key);
  void intend_again(int64_t run, const CallIntent& intent, int64_t problem,
                    std::optional<int64_t> content, int64_t prompt);
  void reopen(int64_t call, const std::string& model);
  void store_answer(int64_t call, const CallAnswer& answer, const std::string& digest, int64_t now);
  void add_attempts(int64_t call, const std::vector<AttemptRow>& attempts);
  void add_vote(int64_t run, int64_t call, const VoteRow& row);
  void add_meta_vote(int64_t run, int64_t call, const MetaVoteRow& row);

  Statements statements_;
  TextStore texts_;
};

}  // namespace storage
