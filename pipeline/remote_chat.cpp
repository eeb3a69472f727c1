#include "pipeline/remote_chat.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "pipeline/remote_body.h"
#include "pipeline/remote_dispatch.h"
#include "pipeline/remote_request.h"
#include "text/clock.h"

namespace pipeline {
namespace {

using Result = std::variant<ChatReply, ChatFailure>;
using Permit = Dispatcher::Permit;
using Unanswered = ReplyReader::Unanswered;

// Attempts that an open breaker makes of one call do not use up its own, but are not endless.
constexpr int64_t kProbesMax = 64;

// Reads the answer, and tells the dispatcher of every sign of life.
class CallReceiver final : public http::Receiver {
 public:
  CallReceiver(const ReplyLimits& limits, Permit& permit) : reader_(limits), permit_(permit) {}

  Said head(const http::ResponseHead& head) override { return reader_.head(head); }
  Said data(std::string_view bytes) override {
    const Said said = reader_.data(bytes);
    if (said == Said::Progress && reader_.has_tokens()) permit_.progressed();
    return said;
  }
  ReplyReader& reader() { return reader_; }

 private:
  ReplyReader reader_;
  Permit& permit_;
};

std::vector<std::size_t> indices_of(const RoleRoute& route,
                                    const std::vector<Endpoint>& endpoints) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < endpoints.size(); ++i)
    if (route.endpoints.empty() ||
        std::ranges::find(route.endpoints, endpoints[i].name) != route.endpoints.end())
      indices.push_back(i);
  return indices;
}

}  // namespace

struct RemoteChat::State {
  net::any_io_executor executor;
  http::Client& client;
  RemoteConfig config;
  Redactor redactor;
  std::shared_ptr<Dispatcher> dispatcher;
  std::vector<bool> warned;  // of another model's name, by endpoint
  ChatBodies bodies;

  State(net::any_io_executor where, http::Client& http_client, RemoteConfig given)
      : executor(std::move(where)),
        client(http_client),
        config(std::move(given)),
        redactor(config.endpoints),
        warned(config.endpoints.size()) {}

  const std::string& model(Role role, std::size_t endpoint) const {
    const std::string& of_role = config.routes[std::size_t(role)].model;
    return of_role.empty() ? config.endpoints[endpoint].model : of_role;
  }
  void check() const;
  http::Request http_request(const ChatRequest& request, std::size_t endpoint, int64_t attempt,
                             int64_t left_ms);
  void accept(ChatReply& reply, Role role, std::size_t endpoint);
};

void RemoteChat::State::check() const {
  if (config.endpoints.empty()) throw std::runtime_error("no endpoint is configured");
  for (std::size_t i = 0; i < config.endpoints.size(); ++i) {
    check_endpoint(config.endpoints[i]);
    for (std::size_t j = 0; j < i; ++j)
      if (config.endpoints[i].name == config.endpoints[j].name)
        throw std::runtime_error("two endpoints are named '" + config.endpoints[i].name + "'");
  }
  for (int role = 0; role < kRoles; ++role) {
    const RoleRoute& route = config.routes[std::size_t(role)];
    for (const std::string& name : route.endpoints)
      if (std::ranges::find(config.endpoints, name, &Endpoint::name) == config.endpoints.end())
        throw std::runtime_error("a role is routed to endpoint '" + name + "', which is unknown");
    for (const std::size_t endpoint : indices_of(route, config.endpoints))
      if (model(Role(role), endpoint).empty())
        throw std::runtime_error("endpoint '" + config.endpoints[endpoint].name +
                                 "': it names no model");
  }
}

http::Request RemoteChat::State::http_request(const ChatRequest& request, std::size_t index,
                                              int64_t attempt, int64_t left_ms) {
  const Endpoint& endpoint = config.endpoints[index];
  http::Request result = endpoint_request(endpoint, "POST", "/chat/completions");
  result.fields.emplace_back("Content-Type", "application/json");
  result.fields.emplace_back("X-Request-Id", request_id(request.call_key, attempt));
  ChatBody body = bodies.body(endpoint, model(request.role, index), request);
  result.body = std::move(body.shared);
  result.body_end = std::move(body.end);
  result.body_bytes_max = config.limits.stream_bytes_max;
  const http::Milliseconds left(std::max<int64_t>(left_ms, 1));
  result.deadlines.total_ms = std::min(result.deadlines.total_ms, left);
  // Before a whole answer there is nothing to show that it is being made.
  if (endpoint.answering == Answering::Whole) result.deadlines.first_ms = result.deadlines.total_ms;
  return result;
}

// What is left to do for an answer: no secret stays in it, and a foreign model is told of.
void RemoteChat::State::accept(ChatReply& reply, Role role, std::size_t index) {
  reply.endpoint = config.endpoints[index].name;
  reply.text = redactor.answer(std::move(reply.text));
  reply.reasoning = redactor.answer(std::move(reply.reasoning));
  reply.model = redactor.message(excerpt(reply.model));
  reply.finish_reason = redactor.message(excerpt(reply.finish_reason));
  if (warned[index] || !is_another_model(model(role, index), reply.model)) return;
  warned[index] = true;
  if (config.warn)
    config.warn("endpoint '" + reply.endpoint + "' was asked for model '" + model(role, index) +
                "' and answers as '" + reply.model + "'");
}

RemoteChat::RemoteChat(net::any_io_executor executor, http::Client& client, RemoteConfig config)
    : state_(std::make_shared<State>(executor, client, std::move(config))) {
  state_->check();
  std::vector<Dispatcher::Place> places;
  for (const Endpoint& endpoint : state_->config.endpoints)
    places.push_back({.name = endpoint.name, .concurrency = endpoint.concurrency});
  std::vector<std::vector<std::size_t>> routes;
  for (const RoleRoute& route : state_->config.routes)
    routes.push_back(indices_of(route, state_->config.endpoints));
  state_->dispatcher = std::make_shared<Dispatcher>(executor, state_->config.dispatch,
                                                    std::move(places), std::move(routes));
}

RemoteChat::~RemoteChat() = default;

std::string RemoteChat::identity(Role role) const {
  std::vector<std::string> parts;
  for (const std::size_t i :
       indices_of(state_->config.routes[std::size_t(role)], state_->config.endpoints))
    parts.push_back(endpoint_identity(state_->config.endpoints[i], state_->model(role, i)));
  std::ranges::sort(parts);  // the order in a file has no meaning
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  std::string identity;
  for (const std::string& part : parts) identity += (identity.empty() ? "" : ", ") + part;
  return state_->redactor.message(std::move(identity));
}

// One call from its first attempt to its end.
class RemoteChat::Call {
 public:
  Call(std::shared_ptr<State> state, ChatRequest request)
      : state_(std::move(state)),
        request_(std::move(request)),
        ticket_(state_->dispatcher->next_ticket()) {}

  net::awaitable<Result> run();

 private:
  Dispatcher::Wish wish() const;
  net::awaitable<std::variant<ChatReply, Unanswered>> attempt(Permit& permit);
  std::optional<ChatFailure> take_failure(Permit& permit, Unanswered unanswered);
  ChatFailure failure(ChatFailure::Kind kind, std::string message);
  ChatFailure exhausted(const std::string& why);

  std::shared_ptr<State> state_;
  ChatRequest request_;
  std::vector<Attempt> attempts_;
  std::string partial_text_;
  uint64_t ticket_;
  int64_t counted_ = 0;                   // failed attempts that were no probes
  std::optional<std::size_t> failed_at_;  // the endpoint of the last one
  int64_t until_ms_ = 0;                  // steady; set when the first attempt begins
  int64_t wait_ms_ = 0;                   // before the next attempt
};

net::awaitable<Result> RemoteChat::complete(ChatRequest request) {
  return run(state_, std::move(request));
}

net::awaitable<Result> RemoteChat::run(std::shared_ptr<State> state, ChatRequest request) {
  Call call(std::move(state), std::move(request));
  co_return co_await call.run();
}

net::awaitable<Result> RemoteChat::Call::run() {
  for (;;) {
    auto turn = co_await state_->dispatcher->acquire(wish());
    if (auto* denied = std::get_if<Dispatcher::Denied>(&turn)) {
      if (denied->why == Dispatcher::Denied::Why::Deadline)
        co_return exhausted("the call's deadline has passed");
      co_return failure(ChatFailure::Kind::Halt, std::move(denied->message));
    }
    Permit permit = std::move(std::get<Permit>(turn));
    auto read = co_await attempt(permit);
    if (auto* reply = std::get_if<ChatReply>(&read)) {
      state_->accept(*reply, request_.role, permit.place());
      permit.answered();
      reply->attempts = std::move(attempts_);
      co_return std::move(*reply);
    }
    auto end = take_failure(permit, std::move(std::get<Unanswered>(read)));
    if (end) co_return std::move(*end);

    if (wait_ms_ == 0) continue;
    net::steady_timer timer(state_->executor, std::chrono::milliseconds(wait_ms_));
    co_await timer.async_wait(net::use_awaitable);
  }
}

Dispatcher::Wish RemoteChat::Call::wish() const {
  Dispatcher::Wish wish;
  wish.route = std::size_t(request_.role);
  wish.affinity = request_.affinity;
  wish.ticket = ticket_;
  if (attempts_.empty()) return wish;
  wish.turn = Dispatcher::Turn::Retry;
  wish.avoid = failed_at_;
  wish.until = net::steady_timer::time_point(std::chrono::milliseconds(until_ms_));
  return wish;
}

// Sends the request once, and writes down what came of it.
net::awaitable<std::variant<ChatReply, Unanswered>> RemoteChat::Call::attempt(Permit& permit) {
  if (until_ms_ == 0) until_ms_ = steady_ms() + state_->config.call_ms;
  Attempt attempt;
  attempt.endpoint = state_->config.endpoints[permit.place()].name;
  attempt.started_at = text::unix_milliseconds();

  CallReceiver receiver(state_->config.limits, permit);
  http::Request sent = state_->http_request(request_, permit.place(), int64_t(attempts_.size()) + 1,
                                            until_ms_ - steady_ms());
  auto exchanged = co_await state_->client.exchange(std::move(sent), receiver);

  std::optional<http::Failure> broken;
  if (auto* cut = std::get_if<http::Failure>(&exchanged)) broken = std::move(*cut);
  auto read = receiver.reader().finish(broken);
  attempt.ended_at = text::unix_milliseconds();
  attempt.http_status = receiver.reader().status();
  attempt.outcome = "answered";
  if (auto* unanswered = std::get_if<Unanswered>(&read)) {
    attempt.outcome = unanswered->outcome;
    attempt.detail = state_->redactor.message(std::move(unanswered->message));
  }
  attempts_.push_back(std::move(attempt));
  co_return std::move(read);
}

// Draws the consequences for the endpoint and the call; the call's end, if this was it.
std::optional<ChatFailure> RemoteChat::Call::take_failure(Permit& permit, Unanswered unanswered) {
  using Next = Disposition::Next;
  const RetryRules& rules = state_->config.retry;
  const std::string& detail = attempts_.back().detail;
  const std::string at = "endpoint '" + attempts_.back().endpoint + "': ";
  failed_at_ = permit.place();
  if (!unanswered.partial_text.empty())
    partial_text_ = state_->redactor.answer(std::move(unanswered.partial_text));

  const Disposition next = dispose(unanswered.cause, rules, attempts_.back().ended_at);
  if (next.next == Next::Final) return failure(ChatFailure::Kind::Final, at + detail);
  if (permit.is_probe())
    ticket_ = state_->dispatcher->next_ticket();  // let another call be the next probe
  else
    ++counted_;
  wait_ms_ = 0;
  if (next.next == Next::Halt) {
    // Another endpoint may still answer; if none can, acquire() says so.
    if (state_->config.warn) state_->config.warn(at + detail + "; it is left alone for a while");
    permit.refused(detail);
    return std::nullopt;
  }
  permit.failed(next, detail);
  if (counted_ >= rules.attempts_max ||
      int64_t(attempts_.size()) >= rules.attempts_max + kProbesMax)
    return exhausted("no answer");

  // The dispatcher holds an overloaded endpoint back, for this call as for all others.
  if (!next.overloaded)
    wait_ms_ =
        next.wait_ms.value_or(backoff_ms(request_.call_key, std::max<int64_t>(counted_, 1), rules));
  if (steady_ms() + wait_ms_ < until_ms_) return std::nullopt;
  return exhausted("the call's deadline has passed");
}

ChatFailure RemoteChat::Call::failure(ChatFailure::Kind kind, std::string message) {
  ChatFailure result;
  result.kind = kind;
  result.message = std::move(message);
  result.partial_text = std::move(partial_text_);
  result.attempts = std::move(attempts_);
  return result;
}

// With the last attempt, since the list of all is seldom shown.
ChatFailure RemoteChat::Call::exhausted(const std::string& why) {
  const std::string last = attempts_.empty() ? "" : "; the last: " + attempts_.back().detail;
  return failure(ChatFailure::Kind::Exhausted,
                 why + " after " + std::to_string(attempts_.size()) + " attempts" + last);
}

}  // namespace pipeline
