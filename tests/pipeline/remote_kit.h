#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pipeline/remote_chat.h"
#include "tests/http/raw_server.h"
#include "tests/support/run.h"

namespace remote {

using namespace pipeline;
using Result = std::variant<ChatReply, ChatFailure>;

// What a server sends, as bytes.
inline std::string plain(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " Reason\r\nContent-Type: application/json\r\n" +
         fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string error(int status, const std::string& message, const std::string& code = "",
                         const std::string& fields = "") {
  return plain(status, R"({"error":{"message":")" + message + R"(","code":")" + code + R"("}})",
               fields);
}

inline const std::string kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

inline std::string chunk(const std::string& bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

inline std::string event(const std::string& text, const std::string& finish = "null",
                         const std::string& model = "m") {
  return R"(data: {"model":")" + model + R"(","choices":[{"index":0,"delta":{"content":")" + text +
         R"("},"finish_reason":)" + finish + "}]}\n\n";
}

inline std::string answer(const std::string& text, const std::string& model = "m") {
  return kStreamHead + chunk(event(text, "null", model)) + chunk(event("", R"("stop")", model)) +
         chunk("data: [DONE]\n\n") + "0\r\n\r\n";
}

// A server that answers each request, counted from 1, with the bytes that `reply` gives.
using Reply = std::function<std::string(const std::string& request, int number)>;
class Server {
 public:
  explicit Server(Reply reply)
      : reply_(std::move(reply)), server_([this](raw::Peer& peer) { serve(peer); }) {}

  std::string url() const { return server_.url("/v1"); }
  int requests() const { return requests_; }

 private:
  void serve(raw::Peer& peer) {
    for (;;) {
      const std::string request = peer.read_request();
      if (request.empty() || !peer.send(reply_(request, ++requests_))) return;
    }
  }

  Reply reply_;
  std::atomic<int> requests_{0};
  raw::Server server_;
};

inline Endpoint endpoint(const std::string& name, const std::string& url) {
  Endpoint result;
  result.name = name;
  result.base_url = url;
  result.model = "m";
  return result;
}

// All waits short, so that tests need not wait.
inline RemoteConfig quick(std::vector<Endpoint> endpoints) {
  RemoteConfig config;
  config.endpoints = std::move(endpoints);
  config.retry.first_wait_ms = 2;
  config.retry.wait_ms_max = 10;
  config.dispatch.breaker.open_ms = 5;
  config.dispatch.breaker.open_ms_max = 40;
  config.dispatch.budget.burst = 1000;
  config.dispatch.hold_ms = 5;
  config.dispatch.hold_ms_max = 40;
  return config;
}

inline ChatRequest request(const std::string& key = "call") {
  std::vector<prompts::Segment> prompt;
  prompt.push_back({prompts::Trust::Template, "Judge this:\n"});
  prompt.push_back({prompts::Trust::Stranger, "a \"proof\""});
  ChatRequest result;
  result.prompt = std::make_shared<const std::vector<prompts::Segment>>(std::move(prompt));
  result.call_key = key;
  return result;
}

// Ends the test case if it is the other.
inline ChatReply reply(const Result& result) {
  const auto* failure = std::get_if<ChatFailure>(&result);
  INFO(std::string(failure ? failure->message : ""));
  REQUIRE(failure == nullptr);
  return std::get<ChatReply>(result);
}
inline ChatFailure failure(const Result& result) {
  REQUIRE(std::holds_alternative<ChatFailure>(result));
  return std::get<ChatFailure>(result);
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

inline std::vector<ChatRequest> requests(int count) {
  std::vector<ChatRequest> result;
  for (int i = 0; i < count; ++i) result.push_back(request("call " + std::to_string(i)));
  return result;
}

// An address where nobody listens.
inline std::string dead_url() {
  const raw::Server gone([](raw::Peer&) {});
  return gone.url("/v1");
}

inline int64_t ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start)
      .count();
}

// A model with a client and a context of its own.
struct Rig {
  net::io_context context;
  http::Client client;
  RemoteChat chat;

  explicit Rig(RemoteConfig config)
      : client(context.get_executor(), {}),
        chat(context.get_executor(), client, std::move(config)) {}

  Result ask(ChatRequest one) { return support::run(context, chat.complete(std::move(one))); }

  // All at once; the results in the order of the requests.
  std::vector<Result> ask_all(std::vector<ChatRequest> requests) {
    std::vector<Result> results(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i)
      net::co_spawn(context, chat.complete(std::move(requests[i])),
                    [&results, i](std::exception_ptr failure, Result result) {
                      if (failure) std::rethrow_exception(failure);
                      results[i] = std::move(result);
                    });
    context.restart();
    context.run();
    return results;
  }
};

}  // namespace remote
