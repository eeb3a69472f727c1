#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rows.h"

namespace storage {

// The ledger: one SQLite file that holds every call, vote and decision of many runs.
//
// Exactly one connection of one process writes and checkpoints, on a thread of its own; a lock
// beside the file keeps a second process out. Readers may look at any time, from any process.
// Writes are queued and committed together, every few milliseconds, under synchronous=FULL; `done`
// is called on the writer thread once the commit has returned, and only then may the caller act
// on what it wrote: an intent before its call is sent, an answer before it is used (I1).

// Null: committed. Called in the order of the writes; must neither throw nor wait for the writer.
using Done = std::function<void(std::exception_ptr)>;

// Thrown by LedgerWriter when another process holds the ledger; the message names its pid.
struct LedgerBusy : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// Thrown when the file was written by a newer version of the program.
struct LedgerTooNew : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class LedgerWriter {
 public:
  // Takes the lock, migrates the schema, starts the thread. Throws LedgerBusy, LedgerTooNew, or
  // std::runtime_error for a file that cannot be opened, is not a ledger or is damaged.
  explicit LedgerWriter(const std::filesystem::path& file);
  ~LedgerWriter();  // commits what is queued, checkpoints, lets the lock go
  LedgerWriter(const LedgerWriter&) = delete;
  LedgerWriter& operator=(const LedgerWriter&) = delete;

  // Blocking; for the start and end of a run.
  int64_t create_run(const RunRow& run, const std::vector<ProblemRow>& problems);
  // create_run with all of its inputs in one transaction: no death leaves a run with some of them.
  int64_t begin_run(const RunRow& run, const RunInputs& inputs);
  void set_run_state(int64_t run, std::string_view state, std::string_view reason);
  void annotate(int64_t run, const AnnotationRow& row);
  // Returns when all that was queued is committed; throws the first failure of a queued operation
  // since the last flush, whether or not its `done` has heard of it.
  void flush();

  // Queued. A row that is there already with equal content is left as it is; the same key with
  // other content is a bug and fails with std::logic_error. After a failed commit or sync the
  // writer accepts nothing more and every `done` gets the error (a failed sync cannot be retried).
  // What cannot be queued, because 65,536 operations or 512 MiB wait already or the writer has
  // stopped, is refused at once: `done` gets the error on the calling thread, before the return.
  // What a row names (problem, proof, call) must have been written or queued before it.
  void add_proof(int64_t run, ProofRow row, Done done);
  void intend(int64_t run, CallIntent intent, Done done);
  void answer(int64_t run, std::string call_key, CallAnswer answer, std::optional<VoteRow> vote,
              std::optional<MetaVoteRow> meta_vote, Done done);
  void decide(int64_t run, DecisionRow row, Done done);  // replaces an earlier one of its rule

  std::size_t queued() const;  // operations whose `done` has not been called
  int64_t commits() const;     // transactions so far

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// A read-only look at a ledger, by one thread at a time. Throws std::runtime_error for a file
// that is missing or no ledger, LedgerTooNew for a newer one.
class LedgerReader {
 public:
  explicit LedgerReader(const std::filesystem::path& file);
  ~LedgerReader();
  LedgerReader(const LedgerReader&) = delete;
  LedgerReader& operator=(const LedgerReader&) = delete;

  std::vector<RunRow> runs() const;  // oldest first
  std::optional<RunRow> run(int64_t id) const;
  std::vector<ProblemRow> problems(int64_t run) const;
  std::vector<ProofRow> proofs(int64_t run) const;  // by problem, round, slot
  std::optional<StoredCall> call(int64_t run, std::string_view key) const;
  std::vector<StoredCall> calls(int64_t run) const;  // by key; answers without their texts
  std::optional<PromptRow> prompt_of(int64_t run, std::string_view call_key) const;
  std::vector<VoteRow> votes(int64_t run) const;  // by proof, index
  std::vector<MetaVoteRow> meta_votes(int64_t run) const;
  std::vector<DecisionRow> decisions(int64_t run) const;
  std::vector<AnnotationRow> annotations(int64_t run) const;

  // Sums over all calls of a run, for budgets and summaries.
  struct Totals {
    int64_t calls = 0;     // answered or failed
    int64_t intended = 0;  // without an answer yet
    int64_t attempts = 0;
    int64_t tokens_prompt = 0;
    int64_t tokens_output = 0;
    double cost = 0;
    int64_t milliseconds = 0;  // first intent to last answer
  };
  Totals totals(int64_t run) const;

  std::vector<std::string> check() const;  // integrity and foreign keys; empty: sound

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// A consistent copy of a ledger that may be in use (VACUUM INTO), written beside `to` and renamed.
// Throws std::runtime_error if `to` is in use itself.
void back_up(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace storage
