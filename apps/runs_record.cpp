#include "apps/runs_record.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "pipeline/meaning.h"
#include "pipeline/reading.h"
#include "pipeline/search.h"

namespace apps {
namespace {

// The last part of a call's key says which ask it is (storage/rows.h).
int64_t ask_of(const std::string& call_key) {
  const std::size_t slash = call_key.rfind('/');
  const std::size_t begin = slash == std::string::npos ? call_key.size() : slash + 1;
  int64_t ask = 0;
  std::from_chars(call_key.data() + begin, call_key.data() + call_key.size(), ask);
  return ask;
}

// The rows by index, each the last one asked for.
template <class Row>
void keep_last_asks(std::vector<Row>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::pair(a.index, -ask_of(a.call_key)) < std::pair(b.index, -ask_of(b.call_key));
  });
  const auto same = [](const Row& a, const Row& b) { return a.index == b.index; };
  rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
}

void add_votes(const storage::LedgerReader& reader, RunRecord& record) {
  std::map<std::string, std::vector<storage::VoteRow>> votes;      // by content
  std::map<std::string, std::vector<storage::MetaVoteRow>> metas;  // by the vote's call
  for (storage::VoteRow& row : reader.votes(record.run.id))
    votes[row.content_key].push_back(std::move(row));
  for (storage::MetaVoteRow& row : reader.meta_votes(record.run.id))
    metas[row.vote_call_key].push_back(std::move(row));
  for (auto& [content, rows] : votes) {
    keep_last_asks(rows);
    JudgedText& judged = record.judged[content];
    std::vector<pipeline::Vote> counted;
    for (storage::VoteRow& row : rows) {
      CastVote cast;
      cast.meta = std::move(metas[row.call_key]);
      keep_last_asks(cast.meta);
      cast.vote = pipeline::vote_of(row, cast.meta);
      cast.row = std::move(row);
      counted.push_back(cast.vote);
      judged.votes.push_back(std::move(cast));
    }
    judged.tally = pipeline::tally(counted, record.effort.votes);
  }
}

using SearchDecisions = std::map<std::string, storage::DecisionRow>;  // by problem

SearchDecisions add_decisions(const storage::LedgerReader& reader, RunRecord& record) {
  SearchDecisions decisions;
  for (storage::DecisionRow& row : reader.decisions(record.run.id)) {
    if (!row.content_key) {
      if (row.rule == pipeline::kSearchRule) {
        std::string problem = row.problem_sha256;
        decisions.emplace(std::move(problem), std::move(row));
      }
      continue;
    }
    if (row.rule != to_text(record.effort.rule)) continue;
    JudgedText& judged = record.judged[*row.content_key];
    judged.tally.planned = record.effort.votes.votes;
    judged.decision = std::move(row);
  }
  return decisions;
}

// A text among a decision's numbers; empty if there is none.
std::string number_of(const storage::DecisionRow& decision, const char* name) {
  const auto numbers = nlohmann::json::parse(decision.numbers, nullptr, false);
  if (!numbers.is_object() || !numbers.contains(name) || !numbers[name].is_string()) return "";
  return numbers[name].get<std::string>();
}

// The proof that the search named; before its end the accepted one, else that of the best mean.
std::optional<std::size_t> best_of(const RunRecord& record, const RunItem& item) {
  if (item.decision) {
    const std::string named = number_of(*item.decision, "proof");
    for (std::size_t i = 0; i < item.proofs.size(); ++i)
      if (item.proofs[i].key == named) return i;
    return std::nullopt;
  }
  std::optional<std::size_t> best;
  const auto rank = [&](std::size_t i) {
    const JudgedText& judged = record.judged_text(item.proofs[i]);
    const bool accepted = judged.decision && judged.decision->outcome == "accepted";
    return std::tuple(accepted, judged.tally.complete(), judged.tally.mean());
  };
  for (std::size_t i = 0; i < item.proofs.size(); ++i)
    if (record.judged_text(item.proofs[i]).tally.counted > 0 && (!best || rank(*best) < rank(i)))
      best = i;
  return best;
}

void add_solved(RunRecord& record, const std::vector<storage::ProblemRow>& problems,
                std::vector<storage::ProofRow> proofs, const SearchDecisions& decisions) {
  std::map<std::string, std::vector<storage::ProofRow>> by_problem;
  for (storage::ProofRow& proof : proofs)
    by_problem[proof.problem_sha256].push_back(std::move(proof));
  for (const storage::ProblemRow& problem : problems) {
    RunItem item;
    item.problem = problem;
    item.id = problem.name;
    item.proofs = by_problem[problem.sha256];
    const auto decision = decisions.find(problem.sha256);
    if (decision != decisions.end()) item.decision = decision->second;
    item.best = best_of(record, item);
    record.items.push_back(std::move(item));
  }
}

void add_graded(RunRecord& record, const std::vector<storage::ProblemRow>& problems,
                std::vector<storage::ProofRow> proofs) {
  std::map<std::string, const storage::ProblemRow*> by_hash;
  for (const storage::ProblemRow& problem : problems) by_hash.emplace(problem.sha256, &problem);
  std::map<std::string, int64_t> of_problem;
  for (const storage::ProofRow& proof : proofs) ++of_problem[proof.problem_sha256];
  // Submissions stand in the order in which they were read: that is their slot.
  std::stable_sort(proofs.begin(), proofs.end(),
                   [](const auto& a, const auto& b) { return a.slot < b.slot; });
  std::map<std::string, int64_t> seen;
  for (storage::ProofRow& proof : proofs) {
    const auto problem = by_hash.find(proof.problem_sha256);
    if (problem == by_hash.end()) continue;
    RunItem item;
    item.problem = *problem->second;
    item.submission = ++seen[proof.problem_sha256];
    item.id = item.problem.name;
    if (of_problem[proof.problem_sha256] > 1) item.id += fmt::format("#{}", item.submission);
    item.decision = record.judged_text(proof).decision;
    item.proofs.push_back(std::move(proof));
    item.best = 0;
    record.items.push_back(std::move(item));
  }
}

}  // namespace

std::string standing_words(const CastVote& vote, const pipeline::Effort& effort) {
  if (vote.vote.outcome != pipeline::VoteOutcome::Parsed) return vote.row.outcome;
  switch (pipeline::standing_of(vote.vote, effort.votes.meta)) {
    case pipeline::Standing::Positive:
      return "positive";
    case pipeline::Standing::Upheld:
      return "upheld";
    case pipeline::Standing::Struck:
      return "struck";
    case pipeline::Standing::Open:
      return "open";
  }
  return "open";
}

const JudgedText& RunRecord::judged_text(const storage::ProofRow& proof) const {
  static const JudgedText none;
  const auto found = judged.find(proof.content_key);
  return found == judged.end() ? none : found->second;
}

RunRecord read_run(const storage::LedgerReader& reader, const storage::RunRow& run) {
  RunRecord record;
  record.run = run;
  record.effort = pipeline::read_meaning(run.meaning).effort;
  add_votes(reader, record);
  const SearchDecisions decisions = add_decisions(reader, record);
  const std::vector<storage::ProblemRow> problems = reader.problems(run.id);
  if (run.kind == "grade")
    add_graded(record, problems, reader.proofs(run.id));
  else
    add_solved(record, problems, reader.proofs(run.id), decisions);
  return record;
}

std::string reason_of(const std::optional<storage::DecisionRow>& decision) {
  return decision ? number_of(*decision, "reason") : "";
}

}  // namespace apps
