#include "audit/ledger_audit.h"

#include <fmt/format.h>
#include <algorithm>

#include "pipeline/meaning.h"
#include "pipeline/reading.h"

namespace audit {
namespace {

// Of several asks for the same vote the last one counts; the key ends with the number of the ask.
template <class Row>
void keep_last(std::map<int64_t, Row>& rows, Row& row) {
  const auto [place, fresh] = rows.try_emplace(row.index, row);
  if (!fresh && place->second.call_key < row.call_key) place->second = std::move(row);
}

using VotesByIndex = std::map<int64_t, storage::VoteRow>;

std::map<std::string, VotesByIndex> last_votes(const storage::LedgerReader& reader, int64_t run) {
  std::map<std::string, VotesByIndex> votes;
  for (storage::VoteRow& row : reader.votes(run)) keep_last(votes[row.content_key], row);
  return votes;
}

std::map<std::string, std::vector<storage::MetaVoteRow>> last_meta_votes(
    const storage::LedgerReader& reader, int64_t run) {
  std::map<std::string, std::map<int64_t, storage::MetaVoteRow>> last;
  for (storage::MetaVoteRow& row : reader.meta_votes(run)) keep_last(last[row.vote_call_key], row);
  std::map<std::string, std::vector<storage::MetaVoteRow>> meta;
  for (auto& [vote, rows] : last)
    for (auto& [index, row] : rows) meta[vote].push_back(std::move(row));
  return meta;
}

Standing standing_in_trace(const pipeline::Vote& vote, int64_t meta) {
  switch (pipeline::standing_of(vote, meta)) {
    case pipeline::Standing::Struck:
      return Standing::Struck;
    case pipeline::Standing::Open:
      return Standing::Open;
    default:
      return Standing::Counted;
  }
}

TraceVote trace_vote(const storage::VoteRow& row, const pipeline::Vote& vote, int64_t meta,
                     std::string text) {
  TraceVote made;
  made.text = std::move(text);
  made.truncated = row.note.starts_with("ended by");
  if (row.outcome != "parsed") return made;
  made.score = row.score.value_or("");
  made.fraction = double(prompts::halves(vote.score)) / 2;
  made.standing = standing_in_trace(vote, meta);
  made.issues.emplace();
  for (const storage::IssueRow& issue : row.issues)
    made.issues->push_back({issue.quote, issue.severity, issue.reason});
  return made;
}

}  // namespace

std::map<std::string, std::vector<pipeline::Vote>> stored_votes(const storage::LedgerReader& reader,
                                                                int64_t run) {
  const auto meta = last_meta_votes(reader, run);
  std::map<std::string, std::vector<pipeline::Vote>> votes;
  for (const auto& [content, rows] : last_votes(reader, run))
    for (const auto& [index, row] : rows) {
      const auto found = meta.find(row.call_key);
      votes[content].push_back(pipeline::vote_of(
          row, found == meta.end() ? std::vector<storage::MetaVoteRow>{} : found->second));
    }
  return votes;
}

std::vector<Trace> traces_of_run(const storage::LedgerReader& reader, const storage::RunRow& run) {
  const pipeline::StoredMeaning meaning = pipeline::read_meaning(run.meaning);
  const pipeline::VotePlan& plan = meaning.effort.votes;
  const auto rows = last_votes(reader, run.id);
  const auto votes = stored_votes(reader, run.id);
  std::map<std::string, std::string> statements;
  for (const storage::ProblemRow& problem : reader.problems(run.id))
    statements[problem.sha256] = problem.statement;
  std::map<std::string, storage::DecisionRow> decisions;
  for (storage::DecisionRow& row : reader.decisions(run.id))
    if (row.content_key && row.rule == to_text(meaning.effort.rule))
      decisions[*row.content_key] = std::move(row);

  std::vector<Trace> traces;
  std::map<std::string, bool> seen;
  for (storage::ProofRow& proof : reader.proofs(run.id)) {
    if (std::exchange(seen[proof.content_key], true)) continue;
    Trace trace;
    trace.origin = Origin::Elenchus;
    trace.id = proof.key;
    trace.place = {fmt::format("run {}", run.id), 0};
    trace.problem = statements[proof.problem_sha256];
    trace.proof = std::move(proof.text);
    trace.self_evaluation = proof.self_evaluation.value_or("");
    const auto decision = decisions.find(proof.content_key);
    if (const auto found = rows.find(proof.content_key); found != rows.end()) {
      const std::vector<pipeline::Vote>& judged = votes.at(proof.content_key);
      std::size_t i = 0;
      for (const auto& [index, row] : found->second) {
        const auto call = reader.call(run.id, row.call_key);
        trace.votes.push_back(
            trace_vote(row, judged[i++], plan.meta, call ? call->answer.text : ""));
      }
      const pipeline::Tally t = pipeline::tally(judged, plan);
      trace.requested = std::size_t(t.requested);
      trace.returned = std::size_t(t.returned);
      trace.parsed = std::size_t(t.parsed);
      if (t.counted > 0) trace.mean = t.mean();
    }
    trace.quorum = std::size_t(plan.quorum);
    trace.rule = to_text(meaning.effort.rule);
    if (meaning.effort.rule == pipeline::Rule::Mean) trace.rule_threshold = plan.mean_threshold;
    if (decision != decisions.end() && decision->second.outcome != "undecided")
      trace.accepted = decision->second.outcome == "accepted";
    traces.push_back(std::move(trace));
  }
  return traces;
}

RuleTable compare_rules(const storage::LedgerReader& reader, const storage::RunRow& run) {
  const pipeline::StoredMeaning meaning = pipeline::read_meaning(run.meaning);
  const pipeline::VotePlan& plan = meaning.effort.votes;
  pipeline::VotePlan plain = plan;
  plain.meta = 0;
  RuleTable table;
  for (const pipeline::Rule rule : pipeline::kRules) table.rules.push_back({rule, {}, {}});
  for (const auto& [content, votes] : stored_votes(reader, run.id)) {
    ++table.texts;
    const pipeline::Tally with = pipeline::tally(votes, plan);
    const pipeline::Tally without = pipeline::tally(votes, plain);
    RuleTable::Row row{content, {}};
    std::optional<pipeline::Outcome> own;
    for (RuleCounts& counts : table.rules) {
      const pipeline::Outcome outcome = pipeline::decide(counts.rule, with, plan).outcome;
      ++counts.with_meta[std::size_t(outcome)];
      ++counts.without_meta[std::size_t(pipeline::decide(counts.rule, without, plain).outcome)];
      row.outcomes.push_back(outcome);
      if (counts.rule == meaning.effort.rule) own = outcome;
    }
    if (std::any_of(row.outcomes.begin(), row.outcomes.end(),
                    [&](pipeline::Outcome outcome) { return outcome != own; }))
      table.differing.push_back(std::move(row));
  }
  return table;
}

std::vector<std::string> misread_votes(const storage::LedgerReader& reader,
                                       const storage::RunRow& run) {
  std::map<std::string, std::string> proofs;
  for (storage::ProofRow& row : reader.proofs(run.id))
    proofs[row.content_key] = std::move(row.text);
  std::vector<std::string> faults;
  for (const storage::VoteRow& row : reader.votes(run.id)) {
    const auto call = reader.call(run.id, row.call_key);
    if (!call) {
      faults.push_back(fmt::format("the vote {} has no call", row.call_key));
      continue;
    }
    pipeline::CallResult result;
    result.answered = call->state == "answered";
    result.finish_reason = call->answer.finish_reason;
    result.text = call->answer.text;
    const pipeline::VoteReading reading = pipeline::read_vote(result, proofs[row.content_key]);
    const std::string outcome(to_text(reading.outcome));
    const bool same_score = reading.outcome != pipeline::VoteOutcome::Parsed ||
                            row.score == std::string(to_text(reading.verification.score));
    if (outcome != row.outcome || !same_score || reading.echo != row.echo ||
        reading.issues.size() != row.issues.size())
      faults.push_back(fmt::format("the vote {} is stored as {}{}, but its answer reads as {}",
                                   row.call_key, row.outcome, row.score ? " " + *row.score : "",
                                   outcome));
  }
  return faults;
}

}  // namespace audit
