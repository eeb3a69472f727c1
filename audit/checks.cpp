#include "audit/checks.h"

#include <algorithm>
#include <cmath>

#include "audit/check_steps.h"

namespace audit {

std::string_view to_text(FindingKind kind) {
  switch (kind) {
    case FindingKind::EmptyProof:
      return "empty-proof";
    case FindingKind::TruncatedProof:
      return "truncated-proof";
    case FindingKind::AddressesGrader:
      return "addresses-grader";
    case FindingKind::HiddenCharacters:
      return "hidden-characters";
    case FindingKind::QuoteNotInProof:
      return "quote-not-in-proof";
    case FindingKind::ScoreNotOfIssues:
      return "score-not-of-issues";
    case FindingKind::ScoreNotInText:
      return "score-not-in-text";
    case FindingKind::TruncatedVote:
      return "truncated-vote";
    case FindingKind::EchoedSelfEvaluation:
      return "echoed-self-evaluation";
    case FindingKind::ContradictingVotes:
      return "contradicting-votes";
    case FindingKind::WrongMean:
      return "wrong-mean";
    case FindingKind::WrongCounts:
      return "wrong-counts";
    case FindingKind::BelowQuorum:
      return "below-quorum";
    case FindingKind::NegativeLastReport:
      return "negative-last-report";
    case FindingKind::RuleNotMet:
      return "rule-not-met";
  }
  return "?";
}

std::string_view to_text(Severity severity) {
  return severity == Severity::Fault ? "fault" : "doubt";
}

std::string to_text(const Finding& finding) {
  std::string text = formats::to_text(finding.place) + ": " + finding.id + ": ";
  if (finding.vote) text += "vote " + std::to_string(*finding.vote) + ": ";
  return text + std::string(to_text(finding.kind)) + ": " + finding.sentence;
}

void Findings::add(FindingKind kind, std::string sentence, Severity severity) {
  list.push_back({kind, severity, trace.id, trace.place, std::nullopt, std::move(sentence)});
}

void Findings::add_vote(FindingKind kind, std::size_t vote, std::string sentence,
                        Severity severity) {
  formats::SourcePlace place = trace.place;
  if (trace.votes[vote].line != 0) place.line = trace.votes[vote].line;
  list.push_back({kind, severity, trace.id, std::move(place), vote + 1, std::move(sentence)});
}

std::vector<Finding> check_trace(const Trace& trace) {
  Findings findings{trace, {}};
  check_proof(findings);
  for (std::size_t i = 0; i < trace.votes.size(); ++i) check_vote(findings, i);
  check_votes_together(findings);
  check_acceptance(findings);
  std::ranges::stable_sort(findings.list, {}, &Finding::kind);
  return std::move(findings.list);
}

std::vector<Finding> check_traces(std::span<const Trace> traces) {
  std::vector<Finding> all;
  for (const Trace& trace : traces) std::ranges::move(check_trace(trace), std::back_inserter(all));
  return all;
}

}  // namespace audit
