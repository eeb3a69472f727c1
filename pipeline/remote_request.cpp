#include "pipeline/remote_request.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "http/url.h"
#include "text/words.h"

namespace pipeline {
namespace {

using nlohmann::json;

constexpr std::size_t kRequestIdBytesMax = 256;

[[noreturn]] void refuse(const Endpoint& endpoint, const std::string& why) {
  throw std::runtime_error("endpoint '" + endpoint.name + "': " + why);
}

bool is_visible(char c) { return 0x21 <= c && c <= 0x7E; }

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_visible(c) || c == ' ' || c == '\t'; });
}

bool is_field_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_visible(c) &&
           std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
  });
}

// Fields that the HTTP client or we set ourselves.
bool is_our_field(std::string_view name) {
  static constexpr std::array kOurs{"host",
                                    "content-length",
                                    "connection",
                                    "transfer-encoding",
                                    "expect",
                                    "upgrade",
                                    "te",
                                    "trailer",
                                    "keep-alive",
                                    "accept-encoding",
                                    "proxy-connection",
                                    "proxy-authorization",
                                    "accept",
                                    "content-type",
                                    "x-request-id",
                                    "user-agent"};
  return std::ranges::find(kOurs, text::lower_ascii(name)) != kOurs.end();
}

void check_extra_body(const Endpoint& endpoint) {
  if (endpoint.extra_body.empty()) return;
  const json extra = json::parse(endpoint.extra_body, nullptr, false);
  if (!extra.is_object()) refuse(endpoint, "extra_body is not a JSON object");
  for (const char* ours : {"messages", "model", "n", "stream"})
    if (extra.contains(ours))
      refuse(endpoint, std::string("extra_body may not set '") + ours + "'");
}

void replace_all(std::string& text, const std::string& secret) {
  for (std::size_t at = text.find(secret); at != text.npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
}

// "deepseek-ai/DeepSeek-V3.2" -> "deepseek-v3.2"
std::string last_component(std::string_view model) {
  while (!model.empty() && model.back() == '/') model.remove_suffix(1);
  return text::lower_ascii(model.substr(model.rfind('/') + 1));
}

}  // namespace

void check_endpoint(const Endpoint& endpoint) {
  if (endpoint.name.empty()) refuse(endpoint, "it has no name");
  const auto url = http::read_url(endpoint.base_url);
  if (const auto* why = std::get_if<std::string>(&url))
    refuse(endpoint, "base_url '" + endpoint.base_url + "': " + *why);
  if (endpoint.base_url.find('?') != std::string::npos)
    refuse(endpoint, "base_url '" + endpoint.base_url +
                         "' holds a query: give the part before it, e.g. http://host:8000/v1");
  if (!std::ranges::all_of(endpoint.api_key, is_visible))
    refuse(endpoint, "the key holds blanks, line ends or other characters that HTTP cannot carry");
  for (const auto& [name, value] : endpoint.extra_fields)
    if (!is_field_name(name) || !is_field_value(value))
      refuse(endpoint, "its field '" + excerpt(name) + "' cannot be put into HTTP");
  for (const auto& [name, value] : endpoint.extra_fields)
    if (is_our_field(name)) refuse(endpoint, "its field '" + name + "' is not for it to set");
  const ConcurrencyLimit::Range& range = endpoint.concurrency;
  if (!(1 <= range.least && range.least <= range.start && range.start <= range.most))
    refuse(endpoint, "its concurrency must satisfy 1 <= least <= start <= most");
  check_extra_body(endpoint);
}

http::Request endpoint_request(const Endpoint& endpoint, std::string_view method,
                               std::string_view path) {
  http::Request request;
  request.method = std::string(method);
  request.url = std::get<http::Url>(http::read_url(http::join_url(endpoint.base_url, path)));
  request.fields = {{"Accept", "application/json, text/event-stream"}, {"User-Agent", "elenchus"}};
  if (!endpoint.api_key.empty())
    request.fields.emplace_back("Authorization", "Bearer " + endpoint.api_key);
  for (const auto& field : endpoint.extra_fields) request.fields.push_back(field);
  request.deadlines = endpoint.deadlines;
  return request;
}

std::string request_id(std::string_view call_key, int64_t attempt) {
  std::string id(call_key.substr(0, kRequestIdBytesMax));
  for (char& c : id)
    if (!is_visible(c)) c = '_';
  return id + "#" + std::to_string(attempt);
}

std::string endpoint_identity(const Endpoint& endpoint, std::string_view model) {
  std::string identity(model);
  if (!endpoint.extra_body.empty())
    identity += " with " + json::parse(endpoint.extra_body).dump();  // members in a fixed order
  return identity;
}

bool is_another_model(std::string_view asked, std::string_view answered) {
  if (asked.empty() || answered.empty()) return false;
  const std::string one = last_component(asked), other = last_component(answered);
  return one.find(other) == one.npos && other.find(one) == other.npos;
}

Redactor::Redactor(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    secrets_.push_back(endpoint.api_key);
    for (const auto& [name, value] : endpoint.extra_fields) {
      secrets_.push_back(value);
      // "Bearer SECRET": the secret may come back alone.
      secrets_.push_back(value.substr(value.rfind(' ') + 1));
    }
  }
  std::erase_if(secrets_, [](const std::string& s) { return s.size() < kSecretBytesMin; });
  std::ranges::sort(secrets_, std::ranges::greater(), &std::string::size);
}

std::string Redactor::message(std::string text) const {
  for (const std::string& secret : secrets_) replace_all(text, secret);
  return text;
}

std::string Redactor::answer(std::string text) const {
  for (const std::string& secret : secrets_)
    if (secret.size() >= kSecretInAnswerBytesMin) replace_all(text, secret);
  return text;
}

}  // namespace pipeline
