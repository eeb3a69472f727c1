#include "pipeline/reading.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "prompts/gates.h"

namespace pipeline {
namespace {

using prompts::Unparsed;

struct NotRead {
  VoteOutcome outcome = VoteOutcome::Failed;
  std::string note;
};

// What a grammar finds in an answer that ended by itself, or why there is nothing to be found.
template <class Found, class Grammar>
std::variant<Found, NotRead> read_answer(const CallResult& result, const Grammar& grammar) {
  if (!result.answered) return NotRead{VoteOutcome::Failed, result.error};
  if (result.finish_reason != "stop")
    return NotRead{VoteOutcome::Unparsed, "ended by '" + result.finish_reason + "'"};
  std::variant<Found, Unparsed> parsed = grammar(result.text);
  if (auto* unparsed = std::get_if<Unparsed>(&parsed))
    return NotRead{VoteOutcome::Unparsed, std::move(unparsed->reason)};
  return std::get<Found>(std::move(parsed));
}

std::vector<storage::IssueRow> located(const std::vector<prompts::Issue>& issues,
                                       const prompts::QuotedProof& quotes) {
  std::vector<storage::IssueRow> rows;
  rows.reserve(issues.size());
  for (const prompts::Issue& issue : issues) {
    storage::IssueRow row;
    row.severity = to_text(issue.severity);
    row.quote = issue.quote;
    row.reason = issue.reason;
    if (const auto passage = quotes.find(issue.quote)) {
      row.begin = static_cast<int64_t>(passage->begin);
      row.end = static_cast<int64_t>(passage->end);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

bool none_found(const std::vector<storage::IssueRow>& issues) {
  return std::none_of(issues.begin(), issues.end(),
                      [](const storage::IssueRow& issue) { return issue.begin.has_value(); });
}

}  // namespace

VoteReading read_vote(const CallResult& result, std::string_view proof) {
  return read_vote(result, proof, prompts::QuotedProof(proof));
}

VoteReading read_vote(const CallResult& result, std::string_view proof,
                      const prompts::QuotedProof& quotes) {
  VoteReading reading;
  auto read = read_answer<prompts::Verification>(result, prompts::read_verification);
  if (auto* not_read = std::get_if<NotRead>(&read)) {
    reading.outcome = not_read->outcome;
    reading.note = std::move(not_read->note);
    return reading;
  }
  reading.outcome = VoteOutcome::Unparsed;
  reading.verification = std::get<prompts::Verification>(std::move(read));
  reading.issues = located(reading.verification.issues, quotes);
  if (reading.verification.score != prompts::Score::One && none_found(reading.issues)) {
    reading.note = "no quoted passage occurs in the proof";
    return reading;
  }
  reading.outcome = VoteOutcome::Parsed;
  reading.echo = prompts::is_echo(result.text, proof);
  if (reading.echo) reading.note = "repeats the proof's own words: struck";
  return reading;
}

MetaReading read_meta_vote(const CallResult& result, std::size_t issues) {
  MetaReading reading;
  const auto grammar = [issues](std::string_view text) {
    return prompts::read_meta_verification(text, issues);
  };
  auto read = read_answer<prompts::MetaVerification>(result, grammar);
  if (auto* not_read = std::get_if<NotRead>(&read)) {
    reading.outcome = not_read->outcome;
    reading.note = std::move(not_read->note);
    return reading;
  }
  reading.verification = std::get<prompts::MetaVerification>(std::move(read));
  reading.outcome = VoteOutcome::Parsed;
  const auto& real = reading.verification.real;
  reading.upheld =
      reading.verification.consistent && std::find(real.begin(), real.end(), true) != real.end();
  return reading;
}

ProofReading read_proof(const CallResult& result) {
  ProofReading reading;
  auto read = read_answer<prompts::Generation>(result, prompts::read_generation);
  if (auto* not_read = std::get_if<NotRead>(&read)) {
    reading.note = std::move(not_read->note);
    return reading;
  }
  reading.generation = std::get<prompts::Generation>(std::move(read));
  reading.readable = true;
  return reading;
}

storage::VoteRow to_row(const VoteReading& reading, const CallSpec& spec) {
  storage::VoteRow row;
  row.call_key = spec.key;
  row.content_key = spec.content_key.value_or("");
  row.index = spec.index;
  row.outcome = to_text(reading.outcome);
  if (reading.outcome == VoteOutcome::Parsed) row.score = to_text(reading.verification.score);
  row.note = reading.note;
  row.echo = reading.echo;
  row.issues = reading.issues;
  return row;
}

storage::MetaVoteRow to_row(const MetaReading& reading, const CallSpec& spec,
                            const std::string& vote_call_key) {
  storage::MetaVoteRow row;
  row.call_key = spec.key;
  row.vote_call_key = vote_call_key;
  row.index = spec.index;
  row.outcome = to_text(reading.outcome);
  row.note = reading.note;
  row.real = "[]";
  if (reading.outcome == VoteOutcome::Parsed) {
    row.score = to_text(reading.verification.score);
    row.verdict = reading.upheld ? "upheld" : "struck";
    row.consistent = reading.verification.consistent;
    row.real = nlohmann::json(reading.verification.real).dump();
  }
  return row;
}

Vote vote_of(const storage::VoteRow& row, const std::vector<storage::MetaVoteRow>& meta) {
  Vote vote;
  vote.index = row.index;
  vote.call_key = row.call_key;
  vote.outcome = vote_outcome_of(row.outcome).value_or(VoteOutcome::Failed);
  if (row.score) vote.score = prompts::score_of(*row.score).value_or(prompts::Score::Zero);
  vote.echo = row.echo;
  vote.issues = row.issues.size();
  for (const storage::MetaVoteRow& meta_row : meta) {
    MetaVote meta_vote;
    meta_vote.outcome = vote_outcome_of(meta_row.outcome).value_or(VoteOutcome::Failed);
    meta_vote.upheld = meta_row.verdict == "upheld";
    const auto real = nlohmann::json::parse(meta_row.real, nullptr, false);
    if (real.is_array())
      for (const auto& issue : real)
        meta_vote.real.push_back(issue.is_boolean() && issue.get<bool>());
    vote.meta.push_back(std::move(meta_vote));
  }
  return vote;
}

std::string analysis_for_refinement(const std::string& answer,
                                    const std::vector<prompts::Issue>& issues,
                                    const std::vector<bool>& real, prompts::Score score) {
  if (std::find(real.begin(), real.end(), false) == real.end()) return answer;
  std::string analysis;
  std::size_t number = 0;
  for (std::size_t i = 0; i < issues.size(); ++i) {
    if (i < real.size() && !real[i]) continue;
    analysis += "ISSUE " + std::to_string(++number) + " (";
    analysis += to_text(issues[i].severity);
    analysis += ")\nQUOTE: " + issues[i].quote + "\nREASON: " + issues[i].reason + "\n\n";
  }
  analysis += "VERDICT: ";
  analysis += to_text(score);
  return analysis + "\n";
}

}  // namespace pipeline
