#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/call_book.h"
#include "pipeline/rules.h"
#include "prompts/quotes.h"
#include "prompts/verdict.h"
#include "storage/rows.h"

namespace pipeline {

// From the text of an answer to what the rules count: pure, so that an audit reads the same text
// the same way. An answer that did not end by itself ("stop") is never read for a score (I2).

struct VoteReading {
  VoteOutcome outcome = VoteOutcome::Failed;
  std::string note;  // why it is not parsed
  prompts::Verification verification;
  std::vector<storage::IssueRow> issues;  // with the place of each quote that really occurs
  bool echo = false;
};
// Issues none of whose quotes occur in the proof are invented: such a negative vote is unparsed.
VoteReading read_vote(const CallResult& result, std::string_view proof);
// The same for many votes on one proof: `quotes` is made of it.
VoteReading read_vote(const CallResult& result, std::string_view proof,
                      const prompts::QuotedProof& quotes);

struct MetaReading {
  VoteOutcome outcome = VoteOutcome::Failed;
  std::string note;
  prompts::MetaVerification verification;
  bool upheld = false;
};
MetaReading read_meta_vote(const CallResult& result, std::size_t issues);

struct ProofReading {
  bool readable = false;
  std::string note;
  prompts::Generation generation;
};
ProofReading read_proof(const CallResult& result);

storage::VoteRow to_row(const VoteReading& reading, const CallSpec& spec);
storage::MetaVoteRow to_row(const MetaReading& reading, const CallSpec& spec,
                            const std::string& vote_call_key);

// A vote as the rules see it, from its stored rows: the same as from its text.
Vote vote_of(const storage::VoteRow& row, const std::vector<storage::MetaVoteRow>& meta);

// The analysis that a refinement is shown: the verifier's own text if all its issues are held
// real, else the real ones alone, in the verifier's form.
std::string analysis_for_refinement(const std::string& answer,
                                    const std::vector<prompts::Issue>& issues,
                                    const std::vector<bool>& real, prompts::Score score);

}  // namespace pipeline
