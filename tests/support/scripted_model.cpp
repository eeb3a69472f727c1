#include "tests/support/scripted_model.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "tests/support/draws.h"

namespace support {

using pipeline::ChatFailure;
using pipeline::ChatReply;
using pipeline::ChatRequest;

namespace net = boost::asio;

// Also when the call is cancelled or the hook throws.
class InFlight {
 public:
  InFlight(std::atomic<int64_t>& now, std::atomic<int64_t>& max) : now_(now) {
    const int64_t count = ++now_;
    if (count > max) max = count;
  }
  ~InFlight() { --now_; }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  std::atomic<int64_t>& now_;
};

net::awaitable<ScriptedModel::Outcome> ScriptedModel::complete(ChatRequest request) {
  ++calls_[std::size_t(request.role)];
  const int64_t nth = calls();
  const InFlight in_flight(in_flight_, in_flight_max_);

  const Draws draws(mixed(hash_of(request.call_key), options_.order_seed));
  const uint64_t yields = draws.below(uint64_t(options_.yields_max) + 1, "yields");
  const auto executor = co_await net::this_coro::executor;
  for (uint64_t i = 0; i < yields; ++i) co_await net::post(executor, net::use_awaitable);

  if (options_.hook) {
    std::optional<Outcome> outcome = options_.hook(request, nth);
    if (outcome) co_return std::move(*outcome);
  }
  const std::string prompt = prompts::joined(*request.prompt);
  ScriptedAnswer answer = scripted_answer(prompt, request.seed, options_.rates);

  ChatReply reply;
  reply.finish_reason = "stop";
  if (limit_tokens(answer, request.sampling.max_tokens) == Fit::CutShort) {
    reply.finish = pipeline::Finish::Length;
    reply.finish_reason = "length";
  }
  reply.usage.prompt = tokens_of(prompt);
  reply.usage.cached = 0;
  reply.usage.reasoning = tokens_of(answer.reasoning);
  reply.usage.output = tokens_of(answer.reasoning) + tokens_of(answer.content);
  reply.text = std::move(answer.content);
  reply.reasoning = std::move(answer.reasoning);
  reply.model = options_.name;
  reply.endpoint = "in-process";
  pipeline::Attempt attempt;
  attempt.endpoint = reply.endpoint;
  attempt.outcome = "answered";
  reply.attempts.push_back(std::move(attempt));
  co_return reply;
}

// The rates belong to what answers: with others it is another model.
std::string ScriptedModel::identity(pipeline::Role) const {
  const ScriptedRates& rates = options_.rates;
  std::string numbers = std::to_string(rates.world_seed) + " " + std::to_string(rates.steps);
  for (const double rate : {rates.flaw, rates.vague, rates.fix, rates.slip, rates.boast, rates.miss,
                            rates.invent, rates.vote_error, rates.meta_error, rates.stranger_right,
                            rates.stranger_minor, rates.garble})
    numbers += " " + std::to_string(rate);
  return "scripted " + options_.name + " " + numbers;
}

int64_t ScriptedModel::calls() const {
  int64_t sum = 0;
  for (const auto& count : calls_) sum += count;
  return sum;
}

ChatFailure scripted_failure(ChatFailure::Kind kind, std::string message) {
  ChatFailure failure;
  failure.kind = kind;
  failure.message = std::move(message);
  return failure;
}

}  // namespace support
