#include "pipeline/judge.h"

#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/gather.h"
#include "pipeline/reading.h"
#include "text/sha256.h"

namespace pipeline {
namespace {

constexpr int64_t kAsks = 2;  // an answer that cannot be read is asked for once more, no oftener

// One proof being judged; lives on the frame of judge().
struct Case {
  const Loop& loop;
  std::shared_ptr<const Problem> problem;
  std::shared_ptr<const std::string> proof;
  std::string content_key;
  std::shared_ptr<const Prompt> prompt;
  prompts::QuotedProof quotes;
  ItemProgress* progress;
};

std::vector<prompts::Part> parts_of(const Problem& problem, const std::string& proof) {
  std::vector<prompts::Part> parts;
  parts.push_back({"problem", problem.statement});
  if (problem.reference) parts.push_back({"reference", *problem.reference});
  if (problem.rubric) parts.push_back({"rubric", *problem.rubric});
  parts.push_back({"proof", proof});
  return parts;
}

CallSpec spec_of(const Case& c, Role role, std::string tail, int64_t index, int64_t ask) {
  CallSpec spec;
  spec.role = role;
  spec.key = fmt::format("{}/{}/{}/{}", to_text(role), c.content_key, tail, ask);
  spec.problem_sha256 = c.problem->sha256;
  spec.content_key = c.content_key;
  spec.index = index;
  spec.ask = ask;
  spec.affinity = c.content_key;
  return spec;
}

net::awaitable<MetaVote> meta_vote(const Case& c, std::shared_ptr<const Prompt> prompt,
                                   std::string vote_call_key, int64_t vote_index,
                                   std::size_t issues, int64_t index) {
  MetaReading reading;
  for (int64_t ask = 0; ask < kAsks; ++ask) {
    CallSpec spec =
        spec_of(c, Role::MetaVerifier, fmt::format("{}/{}", vote_index, index), index, ask);
    spec.prompt = prompt;
    Derive derive = [spec, vote_call_key, issues](const CallResult& result) {
      DerivedRows rows;
      rows.meta_vote = to_row(read_meta_vote(result, issues), spec, vote_call_key);
      return rows;
    };
    const CallResult result = co_await c.loop.book.ask(std::move(spec), std::move(derive));
    reading = read_meta_vote(result, issues);
    if (reading.outcome != VoteOutcome::Unparsed) break;
  }
  MetaVote vote;
  vote.outcome = reading.outcome;
  vote.upheld = reading.upheld;
  vote.real = reading.verification.real;
  co_return vote;
}

net::awaitable<std::vector<MetaVote>> meta_votes(const Case& c, std::string vote_call_key,
                                                 int64_t vote_index, std::size_t issues,
                                                 std::string evaluation) {
  std::vector<prompts::Part> parts = parts_of(*c.problem, *c.proof);
  std::erase_if(parts, [](const prompts::Part& part) {
    return part.name == "reference" || part.name == "rubric";
  });
  parts.push_back({"evaluation", std::move(evaluation)});
  const auto prompt =
      make_prompt(c.loop.templates.at("meta_verify"), std::move(parts), c.loop.secret);
  std::vector<net::awaitable<MetaVote>> tasks;
  for (int64_t j = 0; j < c.loop.effort.votes.meta; ++j)
    tasks.push_back(meta_vote(c, prompt, vote_call_key, vote_index, issues, j));
  co_return co_await gather(std::move(tasks));
}

void note_progress(ItemProgress* progress, const Vote& vote, int64_t meta) {
  if (progress == nullptr) return;
  if (vote.outcome != VoteOutcome::Parsed)
    ++progress->votes_lost;
  else if (standing_of(vote, meta) == Standing::Struck)
    ++progress->votes_struck;
  else if (vote.score == prompts::Score::One)
    ++progress->votes_for;
  else
    ++progress->votes_against;
}

// One vote with all that belongs to it. The case outlives it: gather() ends before judge() does.
net::awaitable<Vote> cast_vote(const Case& c, int64_t index) {
  Vote vote;
  vote.index = index;
  std::string evaluation;
  for (int64_t ask = 0; ask < kAsks; ++ask) {
    CallSpec spec = spec_of(c, Role::Verifier, std::to_string(index), index, ask);
    spec.prompt = c.prompt;
    vote.call_key = spec.key;
    // A fresh answer is read when it is recorded; one from the ledger is read here.
    const auto fresh = std::make_shared<std::optional<VoteReading>>();
    Derive derive = [spec, &c, fresh](const CallResult& result) {
      *fresh = read_vote(result, *c.proof, c.quotes);
      DerivedRows rows;
      rows.vote = to_row(**fresh, spec);
      return rows;
    };
    CallResult result = co_await c.loop.book.ask(std::move(spec), std::move(derive));
    const VoteReading reading = *fresh ? **fresh : read_vote(result, *c.proof, c.quotes);
    vote.outcome = reading.outcome;
    vote.score = reading.verification.score;
    vote.echo = reading.echo;
    vote.issues = reading.issues.size();
    evaluation = std::move(result.text);
    if (vote.outcome != VoteOutcome::Unparsed) break;
  }
  const bool negative =
      vote.outcome == VoteOutcome::Parsed && !vote.echo && vote.score != prompts::Score::One;
  if (negative && c.loop.effort.votes.meta > 0)
    vote.meta = co_await meta_votes(c, vote.call_key, index, vote.issues, std::move(evaluation));
  note_progress(c.progress, vote, c.loop.effort.votes.meta);
  co_return vote;
}

Judgement refused_by_gate(std::vector<prompts::Flag> flags, const Effort& effort) {
  Judgement judgement;
  const auto gate = std::find_if(flags.begin(), flags.end(),
                                 [](const prompts::Flag& flag) { return flag.refuses; });
  judgement.decision = {.rule = effort.rule,
                        .outcome = Outcome::Refused,
                        .score_halves = 0,
                        .reason = "gate: " + std::string(to_text(gate->kind))};
  judgement.tally.planned = effort.votes.votes;
  judgement.flags = std::move(flags);
  return judgement;
}

}  // namespace

std::string problem_sha256(const Problem& problem) {
  // Lengths keep the three apart: no two problems have the same bytes here.
  std::string bytes = fmt::format("{}:{}", problem.statement.size(), problem.statement);
  for (const auto& part : {problem.reference, problem.rubric})
    bytes += part ? fmt::format("{}:{}", part->size(), *part) : "-";
  return text::sha256_hex(bytes);
}

std::string short_name(std::string_view sha256) { return std::string(sha256.substr(0, 16)); }

std::string content_key(const Problem& problem, std::string_view proof) {
  return short_name(problem.sha256) + '/' + short_name(text::sha256_hex(proof));
}

net::awaitable<Judgement> judge(const Loop& loop, std::shared_ptr<const Problem> problem,
                                std::shared_ptr<const std::string> proof, ItemProgress* progress) {
  const std::string key = content_key(*problem, *proof);
  std::vector<prompts::Flag> flags = prompts::inspect_proof(*proof, problem->statement);
  if (prompts::refused(flags)) {
    Judgement judgement = refused_by_gate(std::move(flags), loop.effort);
    storage::DecisionRow row = decision_row(*problem, key, judgement);
    co_await loop.book.record_decision(std::move(row));
    co_return judgement;
  }

  Judgement judgement;
  judgement.flags = std::move(flags);
  const VotePlan& plan = loop.effort.votes;
  const auto prompt =
      make_prompt(loop.templates.at("verify"), parts_of(*problem, *proof), loop.secret);
  const Case c{loop, problem, proof, key, prompt, prompts::QuotedProof(*proof), progress};
  for (int64_t first = 0; first < plan.votes; first += loop.effort.wave) {
    std::vector<net::awaitable<Vote>> wave;
    for (int64_t i = first; i < std::min(plan.votes, first + loop.effort.wave); ++i)
      wave.push_back(cast_vote(c, i));
    std::vector<Vote> votes = co_await gather(std::move(wave));
    std::move(votes.begin(), votes.end(), std::back_inserter(judgement.votes));
    judgement.tally = tally(judgement.votes, plan);
    if (!loop.effort.stop_early) continue;
    judgement.stopped_early = settled_early(loop.effort.rule, judgement.tally, plan);
    if (judgement.stopped_early) break;
  }
  judgement.decision = decide(loop.effort.rule, judgement.tally, plan);
  storage::DecisionRow row = decision_row(*problem, key, judgement);
  co_await loop.book.record_decision(std::move(row));
  co_return judgement;
}

std::string flags_json(const std::vector<prompts::Flag>& flags) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const prompts::Flag& flag : flags)
    rows.push_back({{"kind", to_text(flag.kind)},
                    {"refuses", flag.refuses},
                    {"offset", flag.offset},
                    {"detail", flag.detail}});
  return rows.dump();
}

storage::DecisionRow decision_row(const Problem& problem, const std::string& content_key,
                                  const Judgement& judgement) {
  const Tally& t = judgement.tally;
  const Interval interval = wilson(t.positive, t.counted);
  nlohmann::ordered_json numbers{
      {"reason", judgement.decision.reason},
      {"planned", t.planned},
      {"requested", t.requested},
      {"returned", t.returned},
      {"parsed", t.parsed},
      {"struck", t.struck},
      {"open", t.open},
      {"counted", t.counted},
      {"positive", t.positive},
      {"halves", t.halves},
      {"upheld", {{"0", t.upheld[0]}, {"0.5", t.upheld[1]}, {"1", t.upheld[2]}}},
      {"positive_share_low", interval.low},
      {"positive_share_high", interval.high}};
  if (judgement.decision.score_halves)
    numbers["score"] = double(*judgement.decision.score_halves) / 2;
  if (judgement.stopped_early) numbers["stopped_early"] = *judgement.stopped_early;
  if (!judgement.flags.empty())
    numbers["flags"] = nlohmann::ordered_json::parse(flags_json(judgement.flags));

  storage::DecisionRow row;
  row.problem_sha256 = problem.sha256;
  row.content_key = content_key;
  row.rule = to_text(judgement.decision.rule);
  row.rule_version = kRulesVersion;
  row.outcome = to_text(judgement.decision.outcome);
  row.numbers = numbers.dump();
  return row;
}

}  // namespace pipeline
