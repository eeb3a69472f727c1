#include "audit/rederive.h"

#include <fmt/format.h>
#include <algorithm>
#include <stdexcept>

#include "pipeline/call_book.h"
#include "pipeline/gather.h"
#include "pipeline/meaning.h"

namespace audit {
namespace {

using pipeline::ChatFailure;
using pipeline::ChatReply;
using pipeline::Role;

Role role_of(const std::string& text) {
  for (int i = 0; i < pipeline::kRoles; ++i)
    if (to_text(static_cast<Role>(i)) == text) return static_cast<Role>(i);
  throw std::runtime_error("the ledger names the role '" + text + "', which this program has not");
}

void check_models(const pipeline::StoredMeaning& meaning, const pipeline::ChatModel& model,
                  const pipeline::RoleSet& roles) {
  for (int i = 0; i < pipeline::kRoles; ++i) {
    if (!roles[std::size_t(i)]) continue;
    const std::string now = model.identity(static_cast<Role>(i));
    const std::string& then = meaning.roles[std::size_t(i)].model;
    if (now != then)
      throw std::runtime_error(
          fmt::format("the run's {} was '{}', but this model is '{}': its answers need not be "
                      "the same",
                      to_text(static_cast<Role>(i)), then, now));
  }
}

std::vector<storage::StoredCall> spread(std::vector<storage::StoredCall> calls,
                                        const pipeline::RoleSet& roles, int64_t count) {
  std::erase_if(calls, [&](const auto& call) {
    return call.state != "answered" || !roles[std::size_t(role_of(call.role))];
  });
  const auto all = int64_t(calls.size());
  std::vector<storage::StoredCall> chosen;
  for (int64_t i = 0; i < std::min(count, all); ++i)
    chosen.push_back(calls[std::size_t(i * all / std::min(count, all))]);
  return chosen;
}

pipeline::ChatRequest request_of(const storage::LedgerReader& reader, const storage::RunRow& run,
                                 const pipeline::StoredMeaning& meaning,
                                 const storage::StoredCall& call) {
  const auto stored = reader.prompt_of(run.id, call.key);
  if (!stored) throw std::runtime_error("the ledger has lost the prompt of " + call.key);
  std::vector<prompts::Part> parts;
  for (const auto& part : stored->parts) parts.push_back({part.name, part.text});
  const prompts::Template source{stored->template_name, stored->template_text, ""};
  const auto prompt = pipeline::make_prompt(source, std::move(parts), run.secret);
  if (prompt->row->sha256 != call.prompt_sha256)
    throw std::runtime_error("the prompt of " + call.key +
                             ", built again, differs from the one that was sent");
  pipeline::ChatRequest request;
  request.role = role_of(call.role);
  request.prompt = prompt->segments;
  request.sampling = meaning.roles[std::size_t(request.role)].sampling;
  request.seed = call.seed;
  request.call_key = call.key;
  return request;
}

// What is different now; empty: nothing.
boost::asio::awaitable<std::string> ask_again(pipeline::ChatModel& model,
                                              pipeline::ChatRequest request,
                                              storage::CallAnswer answer) {
  const std::string key = request.call_key;
  const auto again = co_await model.complete(std::move(request));
  if (const auto* failure = std::get_if<ChatFailure>(&again))
    co_return fmt::format("{} was answered, but fails now: {}", key, failure->message);
  const auto& reply = std::get<ChatReply>(again);
  if (reply.text == answer.text && reply.reasoning == answer.reasoning &&
      reply.finish_reason == answer.finish_reason)
    co_return std::string();
  const auto [now, then] = std::ranges::mismatch(reply.text, answer.text);
  co_return fmt::format("{} has another answer now, from byte {} on (finish {} and {})", key,
                        then - answer.text.begin(), answer.finish_reason, reply.finish_reason);
}

}  // namespace

boost::asio::awaitable<Rederived> rederive(const storage::LedgerReader& reader,
                                           const storage::RunRow& run, pipeline::ChatModel& model,
                                           pipeline::RoleSet roles, int64_t calls) {
  const pipeline::StoredMeaning meaning = pipeline::read_meaning(run.meaning);
  check_models(meaning, model, roles);
  std::vector<boost::asio::awaitable<std::string>> tasks;
  for (const storage::StoredCall& call : spread(reader.calls(run.id), roles, calls)) {
    const auto whole = reader.call(run.id, call.key);  // with its texts
    if (!whole) throw std::runtime_error("the ledger has lost the call " + call.key);
    pipeline::ChatRequest request = request_of(reader, run, meaning, call);
    tasks.push_back(ask_again(model, std::move(request), whole->answer));
  }
  Rederived result;
  result.asked = int64_t(tasks.size());
  for (std::string& fault : co_await pipeline::gather(std::move(tasks)))
    if (fault.empty())
      ++result.same;
    else
      result.faults.push_back(std::move(fault));
  co_return result;
}

}  // namespace audit
