#include "pipeline/remote_probe.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "pipeline/remote_body.h"
#include "pipeline/remote_dispatch.h"
#include "pipeline/remote_request.h"
#include "pipeline/reply_reader.h"
#include "text/words.h"

namespace pipeline {
namespace {

using nlohmann::json;

constexpr std::size_t kModelListBytesMax = 4 << 20;
constexpr std::size_t kNearestMax = 3;
constexpr std::size_t kNameBytesMax = 200;

std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i - 1] != to[j - 1]);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[to.size()];
}

std::string comparable(std::string_view name) {
  return text::lower_ascii(name.substr(0, kNameBytesMax));
}

http::Request probe_request(const Endpoint& endpoint, std::string_view method,
                            std::string_view path) {
  http::Request request = endpoint_request(endpoint, method, path);
  const http::Milliseconds longest(kProbeCallMs);
  request.deadlines.total_ms = std::min(request.deadlines.total_ms, longest);
  request.deadlines.first_ms = request.deadlines.total_ms;
  return request;
}

ChatRequest short_request(std::string text, int64_t tokens, int64_t seed) {
  std::vector<prompts::Segment> prompt;
  prompt.push_back({prompts::Trust::Template, std::move(text)});
  ChatRequest request;
  request.prompt = std::make_shared<const std::vector<prompts::Segment>>(std::move(prompt));
  request.sampling.max_tokens = tokens;
  request.seed = seed;
  request.call_key = "probe";
  return request;
}

std::vector<std::string> model_names(const std::string& body) {
  std::vector<std::string> names;
  const json document = json::parse(body, nullptr, false);
  if (!document.is_object() || !document.contains("data") || !document["data"].is_array())
    return names;
  for (const json& model : document["data"]) {
    if (names.size() == kProbeModelsMax) break;
    if (model.is_object() && model.contains("id") && model["id"].is_string())
      names.push_back(excerpt(model["id"].get<std::string>(), kNameBytesMax));
  }
  return names;
}

// One probing of one endpoint.
class Prober {
 public:
  Prober(http::Client& client, Endpoint endpoint, std::string model)
      : client_(client), endpoint_(std::move(endpoint)), redactor_({endpoint_}) {
    check_endpoint(endpoint_);
    model_ = model.empty() ? endpoint_.model : std::move(model);
  }

  net::awaitable<ProbeReport> run();

 private:
  net::awaitable<void> list_models();
  net::awaitable<void> call_once();
  net::awaitable<void> try_fields();
  // The answer to a short whole call with these members; discarded if there was none. `status`
  // of the last one stands in last_status_.
  net::awaitable<json> ask(json members);
  void conclude(const ReplyReader::Unanswered& unanswered);

  http::Client& client_;
  Endpoint endpoint_;
  Redactor redactor_;
  std::string model_;
  int last_status_ = 0;
  ProbeReport report_;
};

net::awaitable<ProbeReport> Prober::run() {
  co_await list_models();
  co_await call_once();
  if (report_.usable) co_await try_fields();
  report_.message = redactor_.message(std::move(report_.message));
  report_.remedy = redactor_.message(std::move(report_.remedy));
  for (std::string& name : report_.models) name = redactor_.message(std::move(name));
  for (std::string& name : report_.nearest) name = redactor_.message(std::move(name));
  co_return std::move(report_);
}

net::awaitable<void> Prober::list_models() {
  http::Request request = probe_request(endpoint_, "GET", "/models");
  request.body_bytes_max = kModelListBytesMax;
  auto fetched = co_await http::fetch(client_, std::move(request));
  auto* response = std::get_if<http::Response>(&fetched);
  if (!response) co_return;
  report_.reachable = true;
  report_.http_status = response->head.status;
  if (response->head.status == 200) report_.models = model_names(response->body);
  const bool listed = std::ranges::find(report_.models, model_) != report_.models.end();
  if (!listed) report_.nearest = nearest_names(model_, report_.models);
}

// As the run itself will call it, but for one token.
net::awaitable<void> Prober::call_once() {
  http::Request request = probe_request(endpoint_, "POST", "/chat/completions");
  request.fields.emplace_back("Content-Type", "application/json");
  request.fields.emplace_back("X-Request-Id", request_id("probe", 1));
  request.body = std::make_shared<const std::string>(
      chat_body(endpoint_, model_, short_request("Reply with the word yes.", 1, 1)));

  ReplyReader reader({});
  const int64_t started_ms = steady_ms();
  auto exchanged = co_await client_.exchange(std::move(request), reader);
  report_.latency_ms = steady_ms() - started_ms;
  std::optional<http::Failure> broken;
  if (auto* failure = std::get_if<http::Failure>(&exchanged)) broken = std::move(*failure);
  const std::string field(reader.reasoning_field());
  const auto read = reader.finish(broken);
  if (reader.status() != 0) {
    report_.reachable = true;
    report_.http_status = reader.status();
  }
  if (const auto* unanswered = std::get_if<ReplyReader::Unanswered>(&read)) {
    conclude(*unanswered);
    co_return;
  }
  const ChatReply& reply = std::get<ChatReply>(read);
  report_.usable = true;
  report_.reasoning_field = field;
  report_.gives_usage = reply.usage.output.has_value();
  report_.message = "answers as '" + excerpt(reply.model) + "'";
  if (is_another_model(model_, reply.model))
    report_.remedy = "asked for '" + model_ + "': check that this is the model that you mean";
}

void Prober::conclude(const ReplyReader::Unanswered& unanswered) {
  report_.message = unanswered.message;
  const std::string url = "'" + endpoint_.base_url + "'";
  const int status = unanswered.cause.status;
  if (!report_.reachable) {
    report_.remedy = "start the server, or correct the address " + url;
  } else if (status == 401 || status == 403) {
    report_.remedy = endpoint_.api_key.empty() ? "give this endpoint an API key"
                                               : "give this endpoint a key that it accepts";
  } else if (!report_.nearest.empty()) {
    report_.remedy = "it has no model '" + model_ + "'; the most alike that it has: ";
    for (const std::string& name : report_.nearest)
      report_.remedy += (&name == &report_.nearest.front() ? "" : ", ") + name;
  } else if (status == 404 || (status >= 300 && status < 400) ||
             unanswered.outcome == "malformed") {
    report_.remedy = "correct the address " + url + ": it usually ends in /v1";
  } else if (status == 402 || status == 429) {
    report_.remedy = "wait, or raise the quota of this key";
  } else if (status == 400 || status == 422) {
    report_.remedy = "remove what the server does not take: set it to null in extra_body";
  } else {
    report_.remedy = "look into the server's log";
  }
}

net::awaitable<json> Prober::ask(json members) {
  Endpoint endpoint = endpoint_;
  endpoint.answering = Answering::Whole;
  json body = json::parse(
      chat_body(endpoint, model_, short_request("Write ten random words.", kProbeTokens, 1)));
  body.update(members);
  http::Request request = probe_request(endpoint, "POST", "/chat/completions");
  request.fields.emplace_back("Content-Type", "application/json");
  request.body = std::make_shared<const std::string>(
      body.dump(-1, ' ', false, json::error_handler_t::replace));
  auto fetched = co_await http::fetch(client_, std::move(request));
  auto* response = std::get_if<http::Response>(&fetched);
  last_status_ = response ? response->head.status : 0;
  if (last_status_ != 200) co_return json(json::value_t::discarded);
  const auto chunk = read_chunk(response->body, ChunkForm::Message);
  const auto* read = std::get_if<ReplyChunk>(&chunk);
  if (!read || !read->has_choice) co_return json(json::value_t::discarded);

  json found;
  std::string text = read->text;
  for (const std::string& reasoning : read->reasoning) text += reasoning;
  found["text"] = excerpt(text, 4096);
  found["several"] = read->has_other_choice;
  found["logprobs"] = response->body.find("\"logprob\"") != std::string::npos;
  co_return found;
}

net::awaitable<void> Prober::try_fields() {
  const auto judge = [this](const json& found, const char* name) {
    if (!found.is_discarded()) return found[name].get<bool>() ? Honoured::Yes : Honoured::No;
    return last_status_ >= 400 && last_status_ < 500 ? Honoured::No : Honoured::Unknown;
  };
  json several, logprobs, one, other;
  several["n"] = 2;
  logprobs["logprobs"] = true;
  one["seed"] = 1;
  other["seed"] = 2;
  const json with_several = co_await ask(std::move(several));
  report_.several = judge(with_several, "several");
  const json with_logprobs = co_await ask(std::move(logprobs));
  report_.logprobs = judge(with_logprobs, "logprobs");

  const json first = co_await ask(one);
  const json again = co_await ask(std::move(one));
  const json different = co_await ask(std::move(other));
  if (first.is_discarded() || again.is_discarded() || different.is_discarded()) co_return;
  if (first["text"] != again["text"])
    report_.seed = Honoured::No;
  else if (first["text"] != different["text"])
    report_.seed = Honoured::Yes;  // else: it may simply be sure of its words
}

}  // namespace

net::awaitable<ProbeReport> probe(http::Client& client, Endpoint endpoint, std::string model) {
  Prober prober(client, std::move(endpoint), std::move(model));
  co_return co_await prober.run();
}

std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& names) {
  const std::string target = comparable(wanted);
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& name : names) {
    const std::string candidate = comparable(name);
    // A name that holds the other differs by what servers add: an owner, a date, a precision.
    const bool holds = candidate.find(target) != candidate.npos ||
                       (!candidate.empty() && target.find(candidate) != target.npos);
    ranked.emplace_back(holds ? 0 : edit_distance(target, candidate), name);
  }
  std::ranges::sort(ranked);
  std::vector<std::string> nearest;
  for (const auto& [distance, name] : ranked)
    if (nearest.size() < kNearestMax) nearest.push_back(name);
  return nearest;
}

}  // namespace pipeline
