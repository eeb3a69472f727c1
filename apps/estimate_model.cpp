// The arithmetic of an estimate. The command stands in estimate.cpp.
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <set>

#include "apps/estimate.h"
#include "pipeline/budget.h"
#include "pipeline/meaning.h"

namespace apps {
namespace {

using pipeline::CallCounts;
using pipeline::Effort;
using pipeline::Role;

// For a model of which nothing is known: round figures, to be replaced by the ledger's own.
constexpr double kAccept = 0.25;
constexpr double kNegative = 0.5;
constexpr double kOutputTokens = 16'000;
constexpr double kAnswerTokens = 2'000;
constexpr double kTokensPerSecond = 30;

// Where no server is asked; a nonce has the same length in every run.
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

std::size_t index_of(Role role) { return static_cast<std::size_t>(role); }

// Tokens of the prompts of one problem, with texts that are not written yet as their tokens.
struct PromptTokens {
  double first = 0;
  double refine = 0;
  double verify = 0;
  double meta = 0;
};

double rendered_tokens(const prompts::Template& source, std::vector<prompts::Part> parts) {
  const std::string bytes = prompts::joined(prompts::render(source, parts, kSecret));
  return double(pipeline::estimated_tokens(bytes.size()));
}

// Texts of the model itself: how long a proof and an evaluation are.
struct AnswerTokens {
  double proof = 0;
  double evaluation = 0;
};

PromptTokens prompt_tokens(const pipeline::Item& item, const Effort& effort,
                           const prompts::TemplateSet& templates, const AnswerTokens& answers) {
  const pipeline::Problem& problem = *item.problem;
  const double proof_tokens =
      item.proof ? double(pipeline::estimated_tokens(item.proof->size())) : answers.proof;
  const prompts::Part statement{"problem", problem.statement};
  std::vector<prompts::Part> judged{statement};
  if (problem.reference) judged.push_back({"reference", *problem.reference});
  if (problem.rubric) judged.push_back({"rubric", *problem.rubric});
  judged.push_back({"proof", ""});
  std::vector<prompts::Part> refined{statement};
  for (int64_t i = 1; i <= effort.candidates; ++i) {
    refined.push_back({fmt::format("candidate.{}.proof", i), ""});
    for (int64_t j = 1; j <= effort.analyses; ++j)
      refined.push_back({fmt::format("candidate.{}.analysis.{}", i, j), ""});
  }
  PromptTokens tokens;
  tokens.first = rendered_tokens(templates.at("generate"), {statement});
  tokens.refine =
      rendered_tokens(templates.at("refine"), std::move(refined)) +
      double(effort.candidates) * (answers.proof + double(effort.analyses) * answers.evaluation);
  tokens.verify = rendered_tokens(templates.at("verify"), std::move(judged)) + proof_tokens;
  tokens.meta =
      rendered_tokens(templates.at("meta_verify"), {statement, {"proof", ""}, {"evaluation", ""}}) +
      proof_tokens + answers.evaluation;
  return tokens;
}

// A graded proof is judged once, and nothing is generated.
Effort effort_for(const pipeline::Item& item, const Effort& effort) {
  if (!item.proof) return effort;
  Effort judging = effort;
  judging.pool = 1;
  judging.rounds = 0;
  judging.self_refinements = 0;
  return judging;
}

struct PerCall {
  std::array<double, pipeline::kRoles> output{};
  double first_attempts = 0;  // calls of the generator that are asked without a proof
};

Estimate estimate_of(const CallCounts& calls, const PromptTokens& prompts, const PerCall& each,
                     const pipeline::Roles& roles) {
  const double first = std::min(each.first_attempts, calls.generator);
  const std::array<double, pipeline::kRoles> counts{calls.generator, calls.verifier,
                                                    calls.meta_verifier};
  const std::array<double, pipeline::kRoles> prompt{
      first * prompts.first + (calls.generator - first) * prompts.refine,
      calls.verifier * prompts.verify, calls.meta_verifier * prompts.meta};
  Estimate estimate;
  estimate.calls = calls;
  for (std::size_t role = 0; role < counts.size(); ++role) {
    const double output = counts[role] * each.output[role];
    const pipeline::Price& price = roles[role].price;
    estimate.tokens_prompt += prompt[role];
    estimate.tokens_output += output;
    estimate.cost +=
        (prompt[role] * price.prompt_per_million + output * price.output_per_million) / 1e6;
  }
  return estimate;
}

// The longest chain of calls that wait for each other, in seconds: no number of calls in flight
// makes a problem faster than that. `rounds` of refinement follow the first attempts.
double chain_seconds(const pipeline::Item& item, const Effort& effort, double rounds, double asks,
                     const PerCall& each, double speed) {
  const double waves = std::ceil(double(effort.votes.votes) / double(effort.wave));
  const double judging =
      waves * each.output[index_of(Role::Verifier)] +
      (effort.votes.meta > 0 ? waves * each.output[index_of(Role::MetaVerifier)] : 0);
  const double writing = item.proof ? 0 : each.output[index_of(Role::Generator)];
  const double chain =
      (1 + double(effort.self_refinements)) * writing + judging + rounds * (writing + judging);
  return asks * chain / speed;
}

Assumption share(const std::optional<double>& by_hand, const char* flag, int64_t hits,
                 int64_t total, const char* of_what, double fallback) {
  if (by_hand) return {*by_hand, flag};
  if (total >= kHistoryCallsMin)
    return {double(hits) / double(total), fmt::format("measured on {} {}", total, of_what)};
  return {fallback, "assumed"};
}

// A call names its model as "MODEL" or "MODEL with {...}" (pipeline/remote_request.h).
bool is_of(const std::string& identity, const std::string& model) {
  return !model.empty() && (identity == model || identity.starts_with(model + " with "));
}

void add_calls(History& history, const std::vector<storage::StoredCall>& calls,
               const std::array<std::string, pipeline::kRoles>& models,
               std::set<std::string>& counted) {
  for (const storage::StoredCall& call : calls) {
    for (std::size_t role = 0; role < models.size(); ++role) {
      if (call.role != to_text(static_cast<Role>(role)) || !is_of(call.model, models[role]))
        continue;
      counted.insert(call.key);
      if (call.state != "answered" || !call.answer.tokens_output) continue;
      History::OfRole& of = history.roles[role];
      ++of.calls;
      of.output_tokens += double(*call.answer.tokens_output);
      of.seconds += double(call.answer.done_at - call.answer.sent_at) / 1000;
      if (!call.answer.tokens_reasoning) continue;
      ++of.with_reasoning;
      of.answer_tokens +=
          double(std::max<int64_t>(0, *call.answer.tokens_output - *call.answer.tokens_reasoning));
    }
  }
}

// Which rule decided is no matter here: a run has one, and its acceptances are what is counted.
void add_verdicts(History& history, const storage::LedgerReader& reader, int64_t run,
                  const std::set<std::string>& counted) {
  std::set<std::string> judged;
  for (const storage::VoteRow& vote : reader.votes(run)) {
    if (vote.outcome != "parsed" || !counted.contains(vote.call_key)) continue;
    ++history.votes;
    history.negative_votes += vote.score == "1" ? 0 : 1;
    judged.insert(vote.content_key);
  }
  for (const storage::DecisionRow& decision : reader.decisions(run)) {
    if (!decision.content_key || !judged.contains(*decision.content_key)) continue;
    ++history.judged;
    history.accepted += decision.outcome == "accepted" ? 1 : 0;
  }
}

}  // namespace

int64_t History::calls() const {
  int64_t calls = 0;
  for (const OfRole& role : roles) calls += role.calls;
  return calls;
}

History read_history(const storage::LedgerReader& reader,
                     const std::array<std::string, pipeline::kRoles>& models) {
  History history;
  const std::vector<storage::RunRow> runs = reader.runs();
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (reader.totals(run->id).calls + history.calls() > kHistoryCallsMax) break;
    std::set<std::string> counted;
    add_calls(history, reader.calls(run->id), models, counted);
    if (!counted.empty()) add_verdicts(history, reader, run->id, counted);
  }
  return history;
}

Assumptions assumptions_of(const AssumedByHand& by_hand, const History& history,
                           const pipeline::Roles& roles) {
  Assumptions made;
  made.accept = share(by_hand.accept, "--assume-accept", history.accepted, history.judged,
                      "judged proofs", kAccept);
  made.negative = share(by_hand.negative, "--assume-negative", history.negative_votes,
                        history.votes, "votes", kNegative);
  double tokens = 0;
  double seconds = 0;
  for (std::size_t role = 0; role < roles.size(); ++role) {
    const History::OfRole& of = history.roles[role];
    const double most = double(roles[role].sampling.max_tokens);
    tokens += of.output_tokens;
    seconds += of.seconds;
    Assumption& output = made.output[role];
    if (by_hand.output_tokens)
      output = {std::min(*by_hand.output_tokens, most), "--assume-output-tokens"};
    else if (of.calls >= kHistoryCallsMin)
      output = {of.output_tokens / double(of.calls), fmt::format("measured on {} calls", of.calls)};
    else
      output = {std::min(kOutputTokens, most), "assumed"};
    Assumption& answer = made.answer[role];
    if (of.with_reasoning >= kHistoryCallsMin)
      answer = {of.answer_tokens / double(of.with_reasoning),
                fmt::format("measured on {} calls", of.with_reasoning)};
    else
      answer = {kAnswerTokens, "assumed"};
    answer.value = std::min(answer.value, output.value);
  }
  if (by_hand.tokens_per_second)
    made.speed = {*by_hand.tokens_per_second, "--assume-tokens-per-second"};
  else if (history.calls() >= kHistoryCallsMin && seconds > 0 && tokens > 0)
    made.speed = {tokens / seconds, fmt::format("measured on {} calls", history.calls())};
  else
    made.speed = {kTokensPerSecond, "assumed"};
  return made;
}

Estimate operator+(const Estimate& a, const Estimate& b) {
  Estimate sum = a;
  sum.calls.generator += b.calls.generator;
  sum.calls.verifier += b.calls.verifier;
  sum.calls.meta_verifier += b.calls.meta_verifier;
  sum.tokens_prompt += b.tokens_prompt;
  sum.tokens_output += b.tokens_output;
  sum.cost += b.cost;
  sum.seconds += b.seconds;
  return sum;
}

ItemEstimate estimate_item(const pipeline::Item& item, const Config& config,
                           const prompts::TemplateSet& templates, const Assumptions& assumptions) {
  const Effort effort = effort_for(item, config.effort);
  PerCall most;
  PerCall likely;
  for (std::size_t role = 0; role < most.output.size(); ++role) {
    most.output[role] = double(config.roles[role].sampling.max_tokens);
    likely.output[role] = assumptions.output[role].value;
  }
  likely.first_attempts = double(effort.pool);
  most.first_attempts = 2 * likely.first_attempts;  // each may be asked for once more

  CallCounts ceiling = pipeline::most_calls(effort);
  CallCounts expected =
      pipeline::expected_calls(effort, assumptions.accept.value, assumptions.negative.value);
  if (item.proof) ceiling.generator = expected.generator = 0;
  const double proofs_in_round = double(effort.best) * double(effort.refinements);
  const double later =
      expected.generator - double(effort.pool) * (1 + double(effort.self_refinements));
  const double rounds = item.proof ? 0 : std::max(0.0, later / proofs_in_round);

  const std::size_t generator = index_of(Role::Generator);
  const std::size_t verifier = index_of(Role::Verifier);
  const double speed = assumptions.speed.value;
  ItemEstimate made;
  made.id = item.name;
  made.ceiling = estimate_of(
      ceiling,
      prompt_tokens(item, effort, templates, {most.output[generator], most.output[verifier]}), most,
      config.roles);
  made.ceiling.seconds = chain_seconds(item, effort, double(effort.rounds), 2, most, speed);
  made.expected = estimate_of(
      expected,
      prompt_tokens(item, effort, templates,
                    {assumptions.answer[generator].value, assumptions.answer[verifier].value}),
      likely, config.roles);
  made.expected.seconds = chain_seconds(item, effort, rounds, 1, likely, speed);
  // All calls of the item share the places of the run.
  const double at_once = double(config.in_flight) * speed;
  made.ceiling.seconds = std::max(made.ceiling.seconds, made.ceiling.tokens_output / at_once);
  made.expected.seconds = std::max(made.expected.seconds, made.expected.tokens_output / at_once);
  return made;
}

ItemEstimate total_of(const std::vector<ItemEstimate>& items, const Config& config,
                      const Assumptions& assumptions) {
  ItemEstimate total;
  total.id = "total";
  double longest_ceiling = 0;
  double longest_expected = 0;
  for (const ItemEstimate& item : items) {
    total.ceiling = total.ceiling + item.ceiling;
    total.expected = total.expected + item.expected;
    longest_ceiling = std::max(longest_ceiling, item.ceiling.seconds);
    longest_expected = std::max(longest_expected, item.expected.seconds);
  }
  // Items go side by side: bounded by the places, or by the longest item.
  const double at_once = double(config.in_flight) * assumptions.speed.value;
  total.ceiling.seconds = std::max(longest_ceiling, total.ceiling.tokens_output / at_once);
  total.expected.seconds = std::max(longest_expected, total.expected.tokens_output / at_once);
  return total;
}

}  // namespace apps
