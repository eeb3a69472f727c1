#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audit/checks.h"
#include "audit/trace.h"
#include "pipeline/rules.h"
#include "storage/ledger.h"

namespace audit {

// What can be said of a run from its ledger alone, with no model and no network.

// The votes on each judged text as the rules see them, by content key: of each vote the last ask.
std::map<std::string, std::vector<pipeline::Vote>> stored_votes(const storage::LedgerReader& reader,
                                                                int64_t run);

// The run's judged proofs as traces, for the checks of checks.h.
std::vector<Trace> traces_of_run(const storage::LedgerReader& reader, const storage::RunRow& run);

// What each rule makes of the same votes, with the meta-votes and without them.
struct RuleCounts {
  pipeline::Rule rule = pipeline::Rule::Unanimous;
  std::array<int64_t, 3> with_meta{};  // by pipeline::Outcome
  std::array<int64_t, 3> without_meta{};
};
struct RuleTable {
  std::vector<RuleCounts> rules;
  // Texts that the run's own rule decides otherwise than some other rule: content key and the
  // outcomes in the order of `rules`.
  struct Row {
    std::string content_key;
    std::vector<pipeline::Outcome> outcomes;
  };
  std::vector<Row> differing;
  int64_t texts = 0;
};
RuleTable compare_rules(const storage::LedgerReader& reader, const storage::RunRow& run);

// The run made again from its ledger: the same program text, the model switched off.
struct Replay {
  int64_t items = 0;
  int64_t calls = 0;                // answered from the ledger
  int64_t decisions = 0;            // compared with the stored ones
  int64_t unfinished = 0;           // items that the run itself had not finished
  std::vector<std::string> faults;  // a sentence each; empty: every verdict is reached again
};
Replay replay_run(const storage::LedgerReader& reader, const storage::RunRow& run);

// Stored votes whose stored text, read again, says something else: a sentence each.
std::vector<std::string> misread_votes(const storage::LedgerReader& reader,
                                       const storage::RunRow& run);

}  // namespace audit
