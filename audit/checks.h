#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/trace.h"

namespace audit {

// What code alone can say against a trace. No model is asked, nothing is random: the same trace
// has the same findings. What its origin does not state is not checked: without a list of issues no
// quote can be missing, without a stated acceptance none can be wrong.

enum class FindingKind {
  EmptyProof,       // nothing, or no letter and no digit
  TruncatedProof,   // its origin says so, or it ends in mid-sentence or in an open environment
  AddressesGrader,  // speaks to whoever grades it
  HiddenCharacters,
  QuoteNotInProof,   // a report quotes what does not stand there
  ScoreNotOfIssues,  // 1 beside a fatal issue, less without any, 0 without or 0.5 with a fatal one
  ScoreNotInText,    // the report itself ends with another score, or with none that can be read
  TruncatedVote,     // a report was cut off; a fault if it has a score all the same
  EchoedSelfEvaluation,  // a report copies the proof's evaluation of itself, and counts
  ContradictingVotes,    // the same report, two scores
  WrongMean,             // the stated mean is not that of the counted votes
  WrongCounts,           // requested >= returned >= parsed = votes with a score does not hold
  BelowQuorum,           // accepted with fewer counted votes than the quorum, or with none at all
  NegativeLastReport,    // accepted although the last counted report says no
  RuleNotMet,            // accepted although the stated rule does not accept these votes
};
std::string_view to_text(FindingKind kind);  // "empty-proof", "quote-not-in-proof", ...

// A fault is a fact about the trace. A doubt rests on a reading of free text (a proof that looks
// cut off, words that look like an address to the grader) and wants a human's eye.
enum class Severity { Fault, Doubt };
std::string_view to_text(Severity severity);

struct Finding {
  FindingKind kind = FindingKind::EmptyProof;
  Severity severity = Severity::Fault;
  std::string id;  // of the trace
  formats::SourcePlace place;
  std::optional<std::size_t> vote;  // from 1
  std::string sentence;
};
std::string to_text(const Finding& finding);  // "PLACE: ID: vote 3: KIND: sentence"

// All findings of a trace, in the order of FindingKind, then of the votes.
std::vector<Finding> check_trace(const Trace& trace);
std::vector<Finding> check_traces(std::span<const Trace> traces);

}  // namespace audit
