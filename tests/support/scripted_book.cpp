#include "tests/support/scripted_book.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "pipeline/ranking.h"

namespace support {

namespace net = pipeline::net;

net::awaitable<pipeline::CallResult> ScriptedBook::ask(pipeline::CallSpec spec,
                                                       pipeline::Derive derive) {
  ++asked[spec.role];
  keys.push_back(spec.key);
  const auto executor = co_await net::this_coro::executor;
  const uint64_t turns = pipeline::draw(int64_t(order_), spec.key) % 40;
  for (uint64_t i = 0; i < turns; ++i) co_await net::post(executor, net::use_awaitable);

  const std::string prompt = prompts::joined(*spec.prompt->segments);
  prompts[spec.key] = prompt;
  pipeline::CallResult result;
  if (const auto found = instead.find(spec.key); found != instead.end()) {
    result = found->second;
  } else {
    result.answered = true;
    result.finish_reason = "stop";
    result.text = scripted_answer(prompt, pipeline::call_seed(seed_, spec), rates_).content;
  }
  if (!answers_.emplace(spec.key, result.text).second)
    throw std::logic_error("asked twice: " + spec.key);
  if (derive) {
    pipeline::DerivedRows rows = derive(result);
    if (rows.vote) votes.push_back(*std::move(rows.vote));
    if (rows.meta_vote) meta_votes.push_back(*std::move(rows.meta_vote));
  }
  co_return result;
}

net::awaitable<void> ScriptedBook::record_proof(storage::ProofRow row) {
  proofs.push_back(std::move(row));
  co_return;
}

net::awaitable<void> ScriptedBook::record_decision(storage::DecisionRow row) {
  decisions.push_back(std::move(row));
  co_return;
}

}  // namespace support
