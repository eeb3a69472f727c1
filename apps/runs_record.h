#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/effort.h"
#include "pipeline/rules.h"
#include "storage/ledger.h"

namespace apps {

// What a run has found, put together from the ledger's rows: for tables and exports.

// A vote with its meta-votes; of a vote that was asked for twice, the second answer.
struct CastVote {
  storage::VoteRow row;
  std::vector<storage::MetaVoteRow> meta;  // by index
  pipeline::Vote vote;                     // as the rules see it
};
// "positive", "upheld", "struck", "open"; "unparsed" or "failed" for one that is not counted.
std::string standing_words(const CastVote& vote, const pipeline::Effort& effort);

// The judging of one text, which equal proofs share.
struct JudgedText {
  std::vector<CastVote> votes;  // by index
  pipeline::Tally tally;
  std::optional<storage::DecisionRow> decision;  // by the run's own rule
};

// A problem to solve, or a submission to grade.
struct RunItem {
  storage::ProblemRow problem;
  int64_t submission = 0;                        // from 1; 0: none, the run solves
  std::optional<storage::DecisionRow> decision;  // nothing: not finished
  std::vector<storage::ProofRow> proofs;         // by round and slot
  std::optional<std::size_t> best;               // the survivor, or the best so far
  // The problem's name; with "#2" behind it for the second of several submissions.
  std::string id;

  std::string outcome() const { return decision ? decision->outcome : "unfinished"; }
};

struct RunRecord {
  storage::RunRow run;
  pipeline::Effort effort;  // by the run's meaning
  std::vector<RunItem> items;
  std::map<std::string, JudgedText> judged;  // by content key

  // Of a proof; an empty one if nobody has judged it.
  const JudgedText& judged_text(const storage::ProofRow& proof) const;
};

// Throws std::runtime_error if the run's meaning is none of ours. REQUIRES: `run` is in the ledger.
RunRecord read_run(const storage::LedgerReader& reader, const storage::RunRow& run);

// The sentence in a decision's numbers, or nothing.
std::string reason_of(const std::optional<storage::DecisionRow>& decision);

}  // namespace apps
