#include "pipeline/remote_body.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace pipeline {
namespace {

using nlohmann::json;

json without_seed(const Endpoint& endpoint, std::string_view model, const ChatRequest& request) {
  json message;
  message["role"] = "user";
  message["content"] = prompts::joined(*request.prompt);
  json body;
  body["model"] = std::string(model);
  body["messages"] = json::array();
  body["messages"].push_back(std::move(message));
  body["temperature"] = request.sampling.temperature;
  body["top_p"] = request.sampling.top_p;
  if (request.sampling.top_k) body["top_k"] = *request.sampling.top_k;
  if (request.sampling.min_p) body["min_p"] = *request.sampling.min_p;
  body[endpoint.length_field == LengthField::MaxTokens ? "max_tokens" : "max_completion_tokens"] =
      request.sampling.max_tokens;
  body["stream"] = endpoint.answering == Answering::Streamed;
  if (endpoint.answering == Answering::Streamed) body["stream_options"]["include_usage"] = true;
  return body;
}

bool are_equal(const Sampling& a, const Sampling& b) {
  return a.temperature == b.temperature && a.top_p == b.top_p && a.top_k == b.top_k &&
         a.min_p == b.min_p && a.max_tokens == b.max_tokens;
}

}  // namespace

struct ChatBodies::Piece {
  std::shared_ptr<const std::vector<prompts::Segment>> prompt;
  std::string text;         // the whole body, or all of it up to the seed's value
  bool wants_seed = false;  // the latter
};

std::shared_ptr<const ChatBodies::Piece> ChatBodies::piece_for(const Endpoint& endpoint,
                                                               std::string_view model,
                                                               const ChatRequest& request) {
  const auto [first, last] = records_.equal_range(request.prompt.get());
  for (auto it = first; it != last; ++it) {
    const Record& record = it->second;
    if (record.endpoint != &endpoint || record.model != model ||
        !are_equal(record.sampling, request.sampling))
      continue;
    if (auto piece = record.piece.lock()) return piece;
    records_.erase(it);
    break;
  }

  json body = without_seed(endpoint, model, request);
  auto piece = std::make_shared<Piece>();
  piece->prompt = request.prompt;
  piece->wants_seed = true;
  if (!endpoint.extra_body.empty()) {
    const json extra = json::parse(endpoint.extra_body);
    piece->wants_seed = !extra.contains("seed");
    body.merge_patch(extra);
  }
  piece->text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  if (piece->wants_seed) {
    piece->text.pop_back();  // the brace; a member stands before it, since `model` always does
    piece->text += ",\"seed\":";
  }
  piece->text.shrink_to_fit();

  sweep();
  records_.emplace(piece->prompt.get(),
                   Record{&endpoint, std::string(model), request.sampling, piece});
  return piece;
}

// Not before the records have doubled, so that it costs a constant time for each.
void ChatBodies::sweep() {
  if (records_.size() < sweep_at_) return;
  std::erase_if(records_, [](const auto& entry) { return entry.second.piece.expired(); });
  sweep_at_ = 2 * records_.size() + kDeadMax;
}

ChatBody ChatBodies::body(const Endpoint& endpoint, std::string_view model,
                          const ChatRequest& request) {
  const auto piece = piece_for(endpoint, model, request);
  ChatBody body;
  body.shared = std::shared_ptr<const std::string>(piece, &piece->text);
  if (piece->wants_seed) body.end = std::to_string(request.seed) + "}";
  return body;
}

std::string chat_body(const Endpoint& endpoint, std::string_view model,
                      const ChatRequest& request) {
  const ChatBody body = ChatBodies().body(endpoint, model, request);
  return *body.shared + body.end;
}

}  // namespace pipeline
