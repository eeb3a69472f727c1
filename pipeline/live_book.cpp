#include "pipeline/live_book.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "text/clock.h"

namespace pipeline {
namespace {

using Answer = std::variant<ChatReply, ChatFailure>;

// Waits until the ledger's writer thread has committed what `start` hands it. Not cancellable:
// what was answered is recorded even while the run is being stopped.
template <class Start>
net::awaitable<void> committed(net::any_io_executor executor, Start start) {
  auto initiate = [executor, &start](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto work = net::make_work_guard(executor);
    start([shared, executor, work](std::exception_ptr error) {
      net::post(executor, [shared, error] { std::move (*shared)(error); });
    });
  };
  co_await net::async_initiate<const net::use_awaitable_t<>, void(std::exception_ptr)>(
      initiate, net::use_awaitable);
}

std::vector<storage::AttemptRow> attempt_rows(std::vector<Attempt> attempts) {
  std::vector<storage::AttemptRow> rows;
  rows.reserve(attempts.size());
  for (Attempt& attempt : attempts)
    rows.push_back({std::move(attempt.endpoint), attempt.started_at, attempt.ended_at,
                    std::move(attempt.outcome), attempt.http_status, std::move(attempt.detail)});
  return rows;
}

storage::CallAnswer to_row(ChatReply reply) {
  storage::CallAnswer row;
  row.state = "answered";
  row.finish_reason = std::move(reply.finish_reason);
  if (reply.finish == Finish::Stop) row.finish_reason = "stop";
  row.text = std::move(reply.text);
  row.reasoning = std::move(reply.reasoning);
  row.endpoint = std::move(reply.endpoint);
  row.tokens_prompt = reply.usage.prompt;
  row.tokens_cached = reply.usage.cached;
  row.tokens_output = reply.usage.output;
  row.tokens_reasoning = reply.usage.reasoning;
  row.attempts = attempt_rows(std::move(reply.attempts));
  return row;
}

storage::CallAnswer to_row(ChatFailure failure) {
  storage::CallAnswer row;
  // A halted call is no answer to anything: it is asked again when the run goes on.
  row.state = failure.kind == ChatFailure::Kind::Halt ? "cancelled" : "failed";
  row.error = std::move(failure.message);
  row.text = std::move(failure.partial_text);
  row.attempts = attempt_rows(std::move(failure.attempts));
  return row;
}

CallResult to_result(const storage::CallAnswer& row) {
  CallResult result;
  result.answered = row.state == "answered";
  result.finish_reason = row.finish_reason;
  result.text = row.text;
  result.error = row.error;
  return result;
}

storage::CallIntent to_intent(const CallSpec& spec, int64_t seed, const std::string& sampling,
                              const std::string& model) {
  storage::CallIntent intent;
  intent.key = spec.key;
  intent.role = to_text(spec.role);
  intent.problem_sha256 = spec.problem_sha256;
  intent.content_key = spec.content_key;
  intent.index = spec.index;
  intent.ask = spec.ask;
  intent.prompt = spec.prompt->row;
  intent.sampling = sampling;
  intent.seed = seed;
  intent.model = model;
  return intent;
}

Amount spent_so_far(const storage::LedgerReader& reader, int64_t run) {
  const storage::LedgerReader::Totals totals = reader.totals(run);
  return {totals.calls, totals.tokens_prompt + totals.tokens_output, totals.cost};
}

}  // namespace

std::string sampling_json(const Sampling& sampling) {
  nlohmann::ordered_json json{{"temperature", sampling.temperature},
                              {"top_p", sampling.top_p},
                              {"max_tokens", sampling.max_tokens}};
  if (sampling.top_k) json["top_k"] = *sampling.top_k;
  if (sampling.min_p) json["min_p"] = *sampling.min_p;
  return json.dump();
}

LiveBook::LiveBook(net::any_io_executor executor, storage::LedgerWriter& writer,
                   const storage::LedgerReader& reader, ChatModel& model, Options options,
                   Board& board)
    : executor_(std::move(executor)),
      writer_(writer),
      reader_(reader),
      model_(model),
      options_(options),
      board_(board),
      lanes_(executor_, options_.in_flight_max),
      budget_(options_.budget, spent_so_far(reader, options_.run)),
      settled_(executor_) {
  for (const storage::StoredCall& call : reader_.calls(options_.run))
    if (call.state == "answered" || (call.state == "failed" && !options_.retry_failed))
      known_.insert(call.key);
  if (!options_.retry_failed)
    for (const storage::DecisionRow& row : reader_.decisions(options_.run))
      if (!row.content_key) decided_.insert(row.problem_sha256);
  for (int role = 0; role < kRoles; ++role) {
    sampling_[std::size_t(role)] = sampling_json(options_.roles[std::size_t(role)].sampling);
    identity_[std::size_t(role)] = model_.identity(static_cast<Role>(role));
  }
}

std::optional<CallResult> LiveBook::known(const CallSpec& spec) const {
  if (!known_.contains(spec.key)) return std::nullopt;
  const std::optional<storage::StoredCall> call = reader_.call(options_.run, spec.key);
  if (!call) return std::nullopt;
  if (call->prompt_sha256 != spec.prompt->row->sha256)
    throw std::logic_error("the ledger holds another prompt under the call key " + spec.key);
  return to_result(call->answer);
}

net::awaitable<CallResult> LiveBook::ask(CallSpec spec, Derive derive) {
  for (;;) {
    if (std::optional<CallResult> stored = known(spec)) {
      ++board_.calls_known;
      co_return *std::move(stored);
    }
    // The same problem or proof may stand twice in the input: the second asks nothing.
    const auto other = asking_.find(spec.key);
    if (other == asking_.end()) break;
    const std::shared_ptr<Signal> answered = other->second;
    co_await answered->wait();
  }
  struct Asking {
    LiveBook& book;
    std::string key;
    ~Asking() {
      const auto entry = book.asking_.extract(key);
      entry.mapped()->notify();
    }
  } asking{*this, spec.key};
  asking_.emplace(spec.key, std::make_shared<Signal>(executor_));
  co_return co_await make_call(std::move(spec), std::move(derive));
}

net::awaitable<CallResult> LiveBook::make_call(CallSpec spec, Derive derive) {
  if (decided_.contains(spec.problem_sha256)) co_await let_known_answers_go_first();
  if (stop_) co_await wait_for_cancellation();
  ++board_.calls_waiting;
  struct Waiting {
    Board& board;
    bool over = false;
    void end() { board.calls_waiting -= std::exchange(over, true) ? 0 : 1; }
    ~Waiting() { end(); }
  } waiting{board_};
  Lanes::Hold hold = co_await lanes_.acquire(spec.role);
  const Amount worst = worst_of(spec);
  co_await reserve(worst);
  waiting.end();

  // From here on the reservation is settled and the call recorded, whatever happens.
  struct Reservation {
    LiveBook& book;
    Amount worst;
    Amount used;
    bool over = false;
    ~Reservation() { settle(); }
    void settle() {
      if (std::exchange(over, true)) return;
      --book.sending_;
      --book.board_.calls_in_flight;
      book.budget_.settle(worst, used);
      book.settled_.notify();
      book.changed();
    }
  } reservation{*this, worst, {}};
  ++sending_;
  ++board_.calls_in_flight;
  const int64_t seed = call_seed(options_.seed, spec);
  const std::size_t role = std::size_t(spec.role);
  storage::CallIntent intent = to_intent(spec, seed, sampling_[role], identity_[role]);
  auto start_intent = [&](storage::Done done) {
    writer_.intend(options_.run, std::move(intent), std::move(done));
  };
  co_await committed(executor_, start_intent);

  ChatRequest request;
  request.role = spec.role;
  request.prompt = spec.prompt->segments;
  request.sampling = options_.roles[role].sampling;
  request.seed = seed;
  request.call_key = spec.key;
  request.affinity = spec.affinity;
  const int64_t sent_at = text::unix_milliseconds();
  storage::CallAnswer row;
  bool cancelled = false;
  std::optional<Stop> halt;
  try {
    Answer answer = co_await model_.complete(std::move(request));
    if (auto* failure = std::get_if<ChatFailure>(&answer)) {
      if (failure->kind == ChatFailure::Kind::Halt)
        halt = Stop{Stop::Kind::Halted, failure->message};
      row = to_row(std::move(*failure));
    } else {
      row = to_row(std::get<ChatReply>(std::move(answer)));
    }
  } catch (const boost::system::system_error& error) {
    if (error.code() != net::error::operation_aborted) throw;
    cancelled = true;
    row.state = "cancelled";
    row.error = "cancelled: its answer was no longer needed, or the run was stopped";
  }
  co_await net::this_coro::throw_if_cancelled(false);
  row.sent_at = sent_at;
  row.done_at = text::unix_milliseconds();
  reservation.used = account(spec.role, spec, row);
  CallResult result = to_result(row);
  DerivedRows derived;
  if (derive && row.state != "cancelled") derived = derive(result);
  auto start_answer = [&](storage::Done done) {
    writer_.answer(options_.run, spec.key, std::move(row), std::move(derived.vote),
                   std::move(derived.meta_vote), std::move(done));
  };
  co_await committed(executor_, start_answer);
  co_await net::this_coro::throw_if_cancelled(true);
  if (!cancelled && !halt) known_.insert(spec.key);
  ++(result.answered ? board_.calls_done : board_.calls_failed);
  hold.release();
  const bool halted = halt.has_value();
  if (halted) stop(*std::move(halt));
  reservation.settle();
  if (halted) co_await wait_for_cancellation();
  if (cancelled) throw boost::system::system_error(net::error::operation_aborted);
  co_return result;
}

// The problem is decided in the ledger: what this call is for was cancelled then, and will be again
// as soon as the survivor is found once more. If it is needed after all, it is made.
net::awaitable<void> LiveBook::let_known_answers_go_first() {
  constexpr std::chrono::milliseconds kQuiet{200};
  net::steady_timer timer(executor_);
  for (int64_t seen = -1; seen != board_.calls_known;) {
    seen = board_.calls_known;
    timer.expires_after(kQuiet);
    co_await timer.async_wait(net::use_awaitable);
  }
}

Amount LiveBook::worst_of(const CallSpec& spec) const {
  const RoleSettings& settings = options_.roles[std::size_t(spec.role)];
  const int64_t prompt = estimated_tokens(spec.prompt->bytes);
  const int64_t output = settings.sampling.max_tokens;
  return {1, prompt + output, settings.price.of(prompt, output)};
}

// Fills in what the server did not count, and gives what the call took.
Amount LiveBook::account(Role role, const CallSpec& spec, storage::CallAnswer& row) const {
  if (row.state == "cancelled") {  // sent, perhaps: the server has read the prompt at least
    const int64_t prompt = estimated_tokens(spec.prompt->bytes);
    return {1, prompt, options_.roles[std::size_t(role)].price.of(prompt, 0)};
  }
  if (!row.tokens_output || !row.tokens_prompt) {
    row.tokens_estimated = true;
    if (!row.tokens_prompt)
      row.tokens_prompt = row.state == "answered" ? estimated_tokens(spec.prompt->bytes) : 0;
    if (!row.tokens_output)
      row.tokens_output = estimated_tokens(row.text.size() + row.reasoning.size());
  }
  row.cost = options_.roles[std::size_t(role)].price.of(*row.tokens_prompt, *row.tokens_output);
  board_.tokens_prompt += *row.tokens_prompt;
  board_.tokens_output += *row.tokens_output;
  board_.cost += row.cost;
  return {1, *row.tokens_prompt + *row.tokens_output, row.cost};
}

net::awaitable<void> LiveBook::reserve(const Amount& worst) {
  for (;;) {
    if (stop_) co_await wait_for_cancellation();
    switch (budget_.reserve(worst)) {
      case Budget::Answer::Granted:
        co_return;
      case Budget::Answer::Wait:
        co_await settled_.wait();
        break;
      case Budget::Answer::Spent:
        stop({Stop::Kind::Budget, budget_.reason(worst)});
        break;
    }
  }
}

net::awaitable<void> LiveBook::record_proof(storage::ProofRow row) {
  auto start = [&](storage::Done done) {
    writer_.add_proof(options_.run, std::move(row), std::move(done));
  };
  co_await committed(executor_, start);
}

net::awaitable<void> LiveBook::record_decision(storage::DecisionRow row) {
  auto start = [&](storage::Done done) {
    writer_.decide(options_.run, std::move(row), std::move(done));
  };
  co_await committed(executor_, start);
}

std::string LiveBook::answer_text(const std::string& key) {
  const std::optional<storage::StoredCall> call = reader_.call(options_.run, key);
  if (!call) throw std::logic_error("the ledger has lost the answer of " + key);
  return call->answer.text;
}

void LiveBook::stop(Stop stop) {
  if (stop_) return;
  stop_ = std::move(stop);
  lanes_.close();
  settled_.notify();
  changed();
}

void LiveBook::changed() {
  if (on_change_) on_change_();
}

}  // namespace pipeline
