#include "pipeline/engine_chat.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "pipeline/signal.h"
#include "prompts/verdict.h"
#include "text/clock.h"

namespace pipeline {
namespace {

using Prompt = std::vector<prompts::Segment>;
using Result = std::variant<ChatReply, ChatFailure>;

constexpr std::string_view kEndpoint = "engine";

engine::Lane lane_of(Role role) {
  switch (role) {
    case Role::Generator:
      return engine::Lane::Generate;
    case Role::Verifier:
      return engine::Lane::Verify;
    case Role::MetaVerifier:
      return engine::Lane::MetaVerify;
  }
  return engine::Lane::Verify;
}

engine::Sampling sampling_of(const Sampling& asked) {
  engine::Sampling sampling;
  sampling.temperature = asked.temperature;
  sampling.top_p = asked.top_p;
  sampling.top_k = int32_t(asked.top_k.value_or(0));
  sampling.min_p = asked.min_p.value_or(0);
  return sampling;
}

// Control tokens would end the answer for whoever reads it, and a vocabulary may be smaller than
// its tokenizer.
engine::ClosingLineGrammar verdict_grammar(const engine::LocalModel& model) {
  const model::Tokenizer& tokenizer = model.tokenizer();
  const prompts::VerdictLine verdict = prompts::verdict_line();
  engine::ClosingLine line;
  line.opener = verdict.opener;
  line.choices = verdict.scores;
  for (int32_t token = 0; token < tokenizer.size(); ++token)
    if (tokenizer.is_control(token) || token >= model.config().vocabulary)
      line.barred_tokens.push_back(token);
  return engine::ClosingLineGrammar(tokenizer, std::move(line), model.chat().ends());
}

// An answer under way. It belongs to the loop's thread: a timer must not end on another one, nor
// after its context. The engine's thread knows only its number.
struct Waiting {
  explicit Waiting(const net::any_io_executor& executor) : done(executor) {}
  Signal done;
  std::optional<engine::SampleOutcome> outcome;
};

}  // namespace

engine::Tokens prompt_tokens(const engine::LocalModel& model, const Prompt& prompt,
                             model::Thinking thinking) {
  model::Turn turn;
  for (const prompts::Segment& segment : prompt)
    turn.content.push_back({segment.text, segment.trust == prompts::Trust::Template
                                              ? model::Trust::Trusted
                                              : model::Trust::Untrusted});
  return model.chat().encode({std::move(turn)}, thinking);
}

class EngineChat::State {
 public:
  State(net::any_io_executor executor, engine::LocalModel& model, model::Thinking thinking,
        JudgeGrammar grammar)
      : executor_(std::move(executor)), model_(model), thinking_(thinking) {
    if (grammar == JudgeGrammar::Verdict) verdict_.emplace(verdict_grammar(model));
  }

  // The engine may still have something to say when nobody listens any more.
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }

  static net::awaitable<Result> run(std::shared_ptr<State> state, ChatRequest request);

  std::string identity(Role role) const {
    return model_.identity() + (held_to_verdict(role) ? " grammar=verdict" : "");
  }

 private:
  // Stops the sample if the coroutine that waits for it goes away.
  struct Ticket {
    State& state;
    uint64_t number;
    engine::Engine::Id sample = engine::Engine::kRefused;
    ~Ticket() {
      if (state.waiting_.erase(number) > 0) state.model_.engine().cancel(sample);
    }
  };

  std::shared_ptr<const engine::Tokens> tokens_of(const std::shared_ptr<const Prompt>& prompt);
  engine::SampleRequest sample_of(const ChatRequest& request);
  bool held_to_verdict(Role role) const { return verdict_ && role != Role::Generator; }
  std::unique_ptr<engine::Grammar> grammar_of(Role role) const;
  static void answer(const std::shared_ptr<State>& state, uint64_t number,
                     engine::SampleOutcome outcome);
  void deliver(uint64_t number, engine::SampleOutcome outcome);
  Result read(const engine::SampleOutcome& outcome, Role role, int64_t started_at) const;
  ChatReply read_sample(const engine::Sample& sample, Role role, int64_t started_at) const;

  const net::any_io_executor executor_;
  engine::LocalModel& model_;
  const model::Thinking thinking_;
  std::optional<engine::ClosingLineGrammar> verdict_;
  std::mutex mutex_;
  bool open_ = true;  // under mutex_

  std::unordered_map<uint64_t, std::shared_ptr<Waiting>> waiting_;
  uint64_t tickets_ = 0;

  struct Encoded {
    std::weak_ptr<const Prompt> prompt;
    std::shared_ptr<const engine::Tokens> tokens;
  };
  static constexpr std::size_t kEncodedMax = 256;
  std::unordered_map<const Prompt*, Encoded> encoded_;  // the votes on one text share its tokens
};

std::shared_ptr<const engine::Tokens> EngineChat::State::tokens_of(
    const std::shared_ptr<const Prompt>& prompt) {
  const auto known = encoded_.find(prompt.get());
  if (known != encoded_.end() && !known->second.prompt.expired()) return known->second.tokens;
  std::erase_if(encoded_, [](const auto& entry) { return entry.second.prompt.expired(); });
  if (encoded_.size() >= kEncodedMax) encoded_.clear();
  auto tokens = std::make_shared<const engine::Tokens>(prompt_tokens(model_, *prompt, thinking_));
  encoded_[prompt.get()] = {prompt, tokens};
  return tokens;
}

engine::SampleRequest EngineChat::State::sample_of(const ChatRequest& request) {
  engine::SampleRequest sample;
  sample.prompt = tokens_of(request.prompt);
  sample.sampling = sampling_of(request.sampling);
  sample.seed = uint64_t(request.seed);
  const int64_t room = model_.context_max() - int64_t(sample.prompt->size());
  sample.tokens_max =
      int32_t(std::clamp<int64_t>(request.sampling.max_tokens, 1, std::max<int64_t>(room, 1)));
  sample.end_tokens = model_.chat().ends();
  sample.lane = lane_of(request.role);
  sample.grammar = grammar_of(request.role);
  return sample;
}

std::unique_ptr<engine::Grammar> EngineChat::State::grammar_of(Role role) const {
  if (!held_to_verdict(role)) return nullptr;
  const bool thinks = thinking_ == model::Thinking::On && model_.chat().can_think();
  std::unique_ptr<engine::Grammar> verdict = verdict_->start();
  return thinks ? engine::grammar_after(model_.chat().think_end(), std::move(verdict))
                : std::move(verdict);
}

// On the engine's thread.
void EngineChat::State::answer(const std::shared_ptr<State>& state, uint64_t number,
                               engine::SampleOutcome outcome) {
  const std::lock_guard lock(state->mutex_);
  if (!state->open_) return;
  net::post(state->executor_, [state, number, outcome = std::move(outcome)]() mutable {
    state->deliver(number, std::move(outcome));
  });
}

void EngineChat::State::deliver(uint64_t number, engine::SampleOutcome outcome) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;  // nobody waits any more
  const std::shared_ptr<Waiting> waiting = std::move(found->second);
  waiting_.erase(found);
  waiting->outcome = std::move(outcome);
  waiting->done.notify();
}

ChatReply EngineChat::State::read_sample(const engine::Sample& sample, Role role,
                                         int64_t started_at) const {
  ChatReply reply;
  const model::Answer answer = model::read_answer(model_.tokenizer(), sample.tokens, thinking_);
  reply.text = answer.content;
  reply.reasoning = answer.reasoning;
  const bool ended =
      sample.ended == engine::Ended::EndToken || sample.ended == engine::Ended::StopText;
  reply.finish = ended ? Finish::Stop : Finish::Length;
  reply.finish_reason = ended ? "stop" : "length";
  reply.usage.prompt = sample.prompt_tokens;
  reply.usage.cached = sample.cached_tokens;
  reply.usage.output = int64_t(sample.tokens.size());
  reply.model = identity(role);
  reply.endpoint = kEndpoint;
  Attempt attempt;
  attempt.endpoint = kEndpoint;
  attempt.started_at = started_at;
  attempt.ended_at = text::unix_milliseconds();
  attempt.outcome = "answered";
  reply.attempts.push_back(std::move(attempt));
  return reply;
}

Result EngineChat::State::read(const engine::SampleOutcome& outcome, Role role,
                               int64_t started_at) const {
  if (const auto* sample = std::get_if<engine::Sample>(&outcome))
    return read_sample(*sample, role, started_at);
  const auto& why = std::get<engine::SampleFailure>(outcome);
  ChatFailure failure;
  // What the engine refuses or breaks on, it would again: the same request gives the same bits.
  const bool lost = why.kind == engine::SampleFailure::Kind::Lost;
  failure.kind = lost ? ChatFailure::Kind::Halt : ChatFailure::Kind::Final;
  failure.message = why.message;
  Attempt attempt;
  attempt.endpoint = kEndpoint;
  attempt.started_at = started_at;
  attempt.ended_at = text::unix_milliseconds();
  attempt.outcome = lost                                               ? "lost"
                    : why.kind == engine::SampleFailure::Kind::Refused ? "refused"
                                                                       : "broken";
  attempt.detail = why.message;
  failure.attempts.push_back(std::move(attempt));
  return failure;
}

net::awaitable<Result> EngineChat::State::run(std::shared_ptr<State> state, ChatRequest request) {
  const int64_t started_at = text::unix_milliseconds();
  const auto waiting = std::make_shared<Waiting>(state->executor_);
  Ticket ticket{.state = *state, .number = ++state->tickets_};
  state->waiting_[ticket.number] = waiting;
  engine::Scheduler::Done done = [state, number = ticket.number](engine::SampleOutcome outcome) {
    answer(state, number, std::move(outcome));
  };
  ticket.sample = state->model_.engine().submit(state->sample_of(request), std::move(done), {});
  while (!waiting->outcome) co_await waiting->done.wait();
  co_return state->read(*waiting->outcome, request.role, started_at);
}

EngineChat::EngineChat(net::any_io_executor executor, engine::LocalModel& model,
                       model::Thinking thinking, JudgeGrammar grammar)
    : state_(std::make_shared<State>(std::move(executor), model, thinking, grammar)) {}

EngineChat::~EngineChat() { state_->close(); }

net::awaitable<Result> EngineChat::complete(ChatRequest request) {
  return State::run(state_, std::move(request));
}

std::string EngineChat::identity(Role role) const { return state_->identity(role); }

}  // namespace pipeline
