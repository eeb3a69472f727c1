#include "pipeline/search.h"

#include <fmt/format.h>
#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "pipeline/reading.h"
#include "pipeline/refinement.h"
#include "pipeline/signal.h"
#include "text/sha256.h"

namespace pipeline {
namespace {

constexpr int64_t kAsks = 2;

// A proof that was generated, and what became of it.
struct Node {
  Place place;
  std::string key;
  std::string content_key;
  std::shared_ptr<const std::string> proof;
  std::string self_evaluation;
  int64_t self_halves = 0;
  std::shared_ptr<const Judgement> judgement;
  Ranked rank;
};

// What is known of one round.
struct Round {
  int64_t at_work = 0;  // proofs being generated or judged
  int64_t parents = 0;  // proofs that are refined in it
  bool closed = false;  // all its parents are known: nothing more will start in it
};

// The judging of one text, shared by all the proofs that have it.
struct SharedJudgement {
  explicit SharedJudgement(const net::any_io_executor& executor) : changed(executor) {}
  std::shared_ptr<const Judgement> result;
  bool running = false;
  Signal changed;
};

class Search {
 public:
  Search(const Loop& loop, std::shared_ptr<const Problem> problem, ItemProgress* progress,
         net::any_io_executor executor)
      : loop_(loop),
        problem_(std::move(problem)),
        progress_(progress),
        executor_(std::move(executor)),
        changed_(executor_),
        rounds_(std::size_t(loop.effort.rounds) + 1) {
    rounds_[0].closed = true;
  }

  net::awaitable<SearchResult> run();

 private:
  struct Task {
    Place place;
    net::cancellation_signal cancel;
    bool cancelled = false;
    bool done = false;
  };

  void start(Place place, std::vector<const Node*> candidates);
  net::awaitable<void> work(Task* task, std::vector<const Node*> candidates);
  net::awaitable<std::optional<Node>> first_attempt(const Place& place);
  net::awaitable<std::optional<Node>> refine(const Place& place,
                                             std::vector<const Node*> candidates);
  net::awaitable<ProofReading> generate(std::string tail, std::shared_ptr<const Prompt> prompt,
                                        std::string* call_key);
  net::awaitable<Node> take(Place place, std::string key, ProofReading reading,
                            std::string call_key, std::vector<std::string> parents);
  net::awaitable<std::shared_ptr<const Judgement>> judged(const Node& node);

  void advance();
  void start_round(int64_t round);
  void cancel_after_survivor();
  bool finished() const;
  int64_t unfinished_up_to(int64_t round) const;
  std::vector<const Node*> best_up_to(int64_t round, int64_t unfinished, int64_t best) const;
  net::awaitable<void> stop_all();
  SearchResult result() const;

  const Loop& loop_;
  std::shared_ptr<const Problem> problem_;
  ItemProgress* progress_;
  net::any_io_executor executor_;
  Signal changed_;
  std::map<Place, std::unique_ptr<Task>> tasks_;
  std::map<Place, std::unique_ptr<Node>> nodes_;                        // judged ones
  std::map<std::string, std::shared_ptr<SharedJudgement>> judgements_;  // by content
  std::set<std::pair<int64_t, Place>> refined_;  // (round, parent): whose refinements exist
  std::vector<Round> rounds_;
  std::optional<Place> survivor_;
  std::exception_ptr failure_;
  int64_t running_ = 0;
  int64_t unreadable_ = 0;
};

net::awaitable<SearchResult> Search::run() {
  for (int64_t i = 0; i < loop_.effort.pool; ++i) {
    Place place{.round = 0, .way = {i}};
    start(std::move(place), {});
  }
  bool aborted = false;
  try {
    while (!finished() && !failure_) {
      co_await changed_.wait();
      advance();
    }
  } catch (const boost::system::system_error&) {
    aborted = true;  // co_await is not allowed in here
  }
  // A cancelled coroutine cannot await anything; from here on it has to, until all tasks have
  // ended.
  co_await net::this_coro::reset_cancellation_state(net::disable_cancellation());
  co_await stop_all();
  co_await net::this_coro::reset_cancellation_state(net::enable_terminal_cancellation());
  if (failure_) std::rethrow_exception(failure_);
  SearchResult found = result();
  if (aborted) {
    found.stopped = true;
    co_return found;
  }
  storage::DecisionRow row = decision_row(*problem_, found);
  co_await loop_.book.record_decision(std::move(row));
  co_return found;
}

// Waits for every task to end: they use this object.
net::awaitable<void> Search::stop_all() {
  for (auto& [place, task] : tasks_) {
    task->cancelled = true;
    if (!task->done) task->cancel.emit(net::cancellation_type::terminal);
  }
  while (running_ > 0) co_await changed_.wait();
}

void Search::start(Place place, std::vector<const Node*> candidates) {
  auto owned = std::make_unique<Task>();
  Task* task = owned.get();
  task->place = place;
  tasks_.emplace(std::move(place), std::move(owned));
  ++running_;
  ++rounds_[std::size_t(task->place.round)].at_work;
  net::co_spawn(
      executor_, work(task, std::move(candidates)),
      net::bind_cancellation_slot(task->cancel.slot(), [this, task](std::exception_ptr e) {
        --running_;
        --rounds_[std::size_t(task->place.round)].at_work;
        task->done = true;
        if (e && !task->cancelled && !failure_) failure_ = e;
        changed_.notify();
      }));
}

net::awaitable<void> Search::work(Task* task, std::vector<const Node*> candidates) {
  if (task->cancelled) co_return;
  std::optional<Node> node;
  if (candidates.empty())
    node = co_await first_attempt(task->place);
  else
    node = co_await refine(task->place, std::move(candidates));
  if (!node) {
    ++unreadable_;
    co_return;
  }
  node->judgement = co_await judged(*node);
  const bool accepted = node->judgement->decision.outcome == Outcome::Accepted;
  if (progress_ != nullptr) {
    ++progress_->judged;
    progress_->best_mean = std::max(progress_->best_mean, node->judgement->tally.mean());
  }
  if (accepted && (!survivor_ || node->place < *survivor_)) survivor_ = node->place;
  const Tally& t = node->judgement->tally;
  node->rank = {.place = node->place,
                .complete = t.complete(),
                .halves = t.halves,
                .counted = t.counted,
                .self_halves = node->self_halves,
                .lot = draw(loop_.seed, node->key)};
  Place place = node->place;
  nodes_.emplace(std::move(place), std::make_unique<Node>(*std::move(node)));
}

net::awaitable<std::optional<Node>> Search::first_attempt(const Place& place) {
  std::vector<prompts::Part> parts{{"problem", problem_->statement}};
  auto prompt = make_prompt(loop_.templates.at("generate"), std::move(parts), loop_.secret);
  std::optional<Node> node;
  for (int64_t step = 0; step <= loop_.effort.self_refinements; ++step) {
    const std::string tail =
        step == 0 ? fmt::format("{}/t0", to_text(place))
                  : fmt::format("{}/t{}-{}", to_text(place), step, prompt->fingerprint);
    std::string call_key;
    ProofReading reading = co_await generate(tail, prompt, &call_key);
    if (!reading.readable) break;  // what the chain had before still stands
    std::vector<std::string> parents;
    if (node) parents.push_back(node->key);
    std::string key = fmt::format("{}/{}", short_name(problem_->sha256), tail);
    node = co_await take(place, std::move(key), std::move(reading), std::move(call_key),
                         std::move(parents));
    if (node->self_halves == 2 || step == loop_.effort.self_refinements) break;
    prompt = refinement_prompt(loop_, *problem_, {{*node->proof, {node->self_evaluation}}});
  }
  co_return node;
}

net::awaitable<std::optional<Node>> Search::refine(const Place& place,
                                                   std::vector<const Node*> candidates) {
  std::vector<RefinedProof> shown;
  std::vector<std::string> parents;
  for (const Node* candidate : candidates) {
    const uint64_t lot = draw(loop_.seed, fmt::format("{}|{}", place.round, candidate->key));
    shown.push_back(
        {*candidate->proof, chosen_analyses(loop_, *candidate->judgement,
                                            candidate->self_evaluation, place.way.back(), lot)});
    parents.push_back(candidate->key);
  }
  const auto prompt = refinement_prompt(loop_, *problem_, std::move(shown));
  // What a refinement is shown names it too: when calls that had failed are asked again, the same
  // place may get other analyses, and another proof.
  const std::string tail = fmt::format("{}-{}", to_text(place), prompt->fingerprint);
  std::string call_key;
  ProofReading reading = co_await generate(tail, prompt, &call_key);
  if (!reading.readable) co_return std::nullopt;
  std::string key = fmt::format("{}/{}", short_name(problem_->sha256), tail);
  co_return co_await take(place, std::move(key), std::move(reading), std::move(call_key),
                          std::move(parents));
}

net::awaitable<ProofReading> Search::generate(std::string tail,
                                              std::shared_ptr<const Prompt> prompt,
                                              std::string* call_key) {
  ProofReading reading;
  for (int64_t ask = 0; ask < kAsks; ++ask) {
    CallSpec spec;
    spec.role = Role::Generator;
    spec.key = fmt::format("generator/{}/{}/{}", short_name(problem_->sha256), tail, ask);
    spec.problem_sha256 = problem_->sha256;
    spec.ask = ask;
    spec.prompt = prompt;
    spec.affinity = short_name(problem_->sha256);
    *call_key = spec.key;
    const CallResult answer = co_await loop_.book.ask(std::move(spec), nullptr);
    reading = read_proof(answer);
    if (reading.readable || !answer.answered) break;
  }
  co_return reading;
}

net::awaitable<Node> Search::take(Place place, std::string key, ProofReading reading,
                                  std::string call_key, std::vector<std::string> parents) {
  Node node;
  node.place = std::move(place);
  node.key = std::move(key);
  node.proof = std::make_shared<const std::string>(std::move(reading.generation.proof));
  node.content_key = content_key(*problem_, *node.proof);
  node.self_halves = prompts::halves(reading.generation.self_score);
  node.self_evaluation = std::move(reading.generation.self_evaluation);

  storage::ProofRow row;
  row.key = node.key;
  row.content_key = node.content_key;
  row.problem_sha256 = problem_->sha256;
  row.round = node.place.round;
  row.slot = node.place.way.back();
  row.text = *node.proof;
  row.self_score = to_text(reading.generation.self_score);
  row.self_evaluation = node.self_evaluation;
  row.call_key = std::move(call_key);
  row.parents = std::move(parents);
  row.flags = flags_json(prompts::inspect_proof(*node.proof, problem_->statement));
  co_await loop_.book.record_proof(std::move(row));
  if (progress_ != nullptr) {
    ++progress_->proofs;
    progress_->round = std::max(progress_->round, node.place.round);
  }
  co_return node;
}

net::awaitable<std::shared_ptr<const Judgement>> Search::judged(const Node& node) {
  std::shared_ptr<SharedJudgement>& known = judgements_[node.content_key];
  if (!known) known = std::make_shared<SharedJudgement>(executor_);
  const std::shared_ptr<SharedJudgement> entry = known;
  while (!entry->result) {
    if (entry->running) {
      co_await entry->changed.wait();
      continue;
    }
    struct Running {  // if this task is cancelled, another one with the same text takes over
      SharedJudgement& entry;
      explicit Running(SharedJudgement& e) : entry(e) { entry.running = true; }
      ~Running() {
        entry.running = false;
        entry.changed.notify();
      }
    } running(*entry);
    Judgement judgement = co_await judge(loop_, problem_, node.proof, progress_);
    entry->result = std::make_shared<const Judgement>(std::move(judgement));
  }
  co_return entry->result;
}

void Search::advance() {
  cancel_after_survivor();
  const int64_t last = survivor_ ? survivor_->round : loop_.effort.rounds;
  for (int64_t round = 1; round <= last; ++round) start_round(round);
}

// Starts the refinements of those proofs that are sure to be among the best after round - 1.
void Search::start_round(int64_t round) {
  Round& state = rounds_[std::size_t(round)];
  if (state.closed) return;
  const int64_t unfinished = unfinished_up_to(round - 1);
  // With several candidates in a prompt, which ones depends on the exact ranks.
  const int64_t wait_below = loop_.effort.candidates > 1 ? 1 : loop_.effort.best;
  if (unfinished >= wait_below) return;
  const std::vector<const Node*> members = best_up_to(round - 1, unfinished, loop_.effort.best);
  for (std::size_t rank = 0; rank < members.size(); ++rank) {
    const Node* parent = members[rank];
    if (!refined_.emplace(round, parent->place).second) continue;
    ++state.parents;
    std::vector<const Node*> candidates;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (candidates.size() == std::size_t(loop_.effort.candidates)) break;
      candidates.push_back(members[(rank + i) % members.size()]);
    }
    for (int64_t number = 0; number < loop_.effort.refinements; ++number) {
      Place place = refinement_of(parent->place, round, number);
      if (survivor_ && *survivor_ < place) continue;
      start(std::move(place), candidates);
    }
  }
  state.closed = unfinished == 0 || state.parents == loop_.effort.best;
}

void Search::cancel_after_survivor() {
  if (!survivor_) return;
  for (auto& [place, task] : tasks_)
    if (*survivor_ < place && !task->done && !task->cancelled) {
      task->cancelled = true;
      task->cancel.emit(net::cancellation_type::terminal);
    }
}

// How many proofs of the rounds up to `round` may still come: those at work, and refinements that
// are not started because their parents are not known yet.
int64_t Search::unfinished_up_to(int64_t round) const {
  int64_t unfinished = 0;
  for (int64_t r = 0; r <= round; ++r) {
    const Round& state = rounds_[std::size_t(r)];
    unfinished += state.at_work;
    if (!state.closed) unfinished += (loop_.effort.best - state.parents) * loop_.effort.refinements;
  }
  return unfinished;
}

// Those judged in rounds up to `round` that are sure to be among the best, best first.
std::vector<const Node*> Search::best_up_to(int64_t round, int64_t unfinished, int64_t best) const {
  std::vector<const Node*> nodes;
  std::vector<Ranked> ranked;
  for (const auto& [place, node] : nodes_) {
    if (place.round > round || prompts::refused(node->judgement->flags)) continue;
    nodes.push_back(node.get());
    ranked.push_back(node->rank);
  }
  std::vector<const Node*> chosen;
  for (const std::size_t i : sure_members(ranked, unfinished, best)) chosen.push_back(nodes[i]);
  return chosen;
}

bool Search::finished() const {
  if (!survivor_) return running_ == 0;
  return std::none_of(tasks_.begin(), tasks_.end(), [&](const auto& entry) {
    return entry.first < *survivor_ && !entry.second->done;
  });
}

SearchResult Search::result() const {
  SearchResult result;
  result.unreadable = unreadable_;
  result.proofs = int64_t(nodes_.size());
  const std::vector<const Node*> ranked = best_up_to(loop_.effort.rounds, 0, 1);
  const Node* best = nullptr;
  if (survivor_) {
    best = nodes_.at(*survivor_).get();
    result.outcome = Outcome::Accepted;
    result.reason = best->judgement->decision.reason;
  } else if (!ranked.empty()) {
    best = ranked.front();
    result.reason = fmt::format("no proof survived {} round(s) of refinement", loop_.effort.rounds);
  } else {
    result.reason = "no readable proof was generated";
  }
  if (best != nullptr)
    result.best =
        Candidate{best->key, best->content_key, *best->proof, best->place.round, *best->judgement};
  return result;
}

}  // namespace

net::awaitable<SearchResult> search(const Loop& loop, std::shared_ptr<const Problem> problem,
                                    ItemProgress* progress) {
  Search search(loop, std::move(problem), progress, co_await net::this_coro::executor);
  co_return co_await search.run();
}

storage::DecisionRow decision_row(const Problem& problem, const SearchResult& result) {
  nlohmann::ordered_json numbers{{"reason", result.reason}};
  if (result.best) {
    numbers["proof"] = result.best->key;
    numbers["content"] = result.best->content_key;
    numbers["round"] = result.best->round;
  }
  storage::DecisionRow row;
  row.problem_sha256 = problem.sha256;
  row.rule = kSearchRule;
  row.rule_version = kRulesVersion;
  row.outcome = to_text(result.outcome);
  row.numbers = numbers.dump();
  return row;
}

}  // namespace pipeline
