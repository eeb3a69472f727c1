#pragma once

#include <dirent.h>
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "http/client.h"

namespace kit {

namespace net = boost::asio;
using Outcome = std::variant<http::Completed, http::Failure>;
using Said = http::Receiver::Said;

// Keeps what came; says what the test wants it to say.
class Recorder : public http::Receiver {
 public:
  Said head(const http::ResponseHead& head) override {
    heads.push_back(head);
    return says_to_head;
  }
  Said data(std::string_view bytes) override {
    body += bytes;
    return says;
  }
  std::vector<http::ResponseHead> heads;
  std::string body;
  Said says_to_head = Said::Progress;
  Said says = Said::Progress;
};

// Runs one task to its end, and no longer: other work of the context stays.
template <class T>
T run(net::io_context& io, net::awaitable<T> task) {
  std::optional<T> result;
  std::exception_ptr failure;
  bool done = false;
  net::co_spawn(io, std::move(task), [&](std::exception_ptr error, T value) {
    failure = error;
    if (!error) result = std::move(value);
    done = true;
  });
  io.restart();
  while (!done && io.run_one_for(std::chrono::seconds(10)) > 0) {
  }
  REQUIRE_MESSAGE(done, "the task did not end within ten seconds");
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

inline http::Request request_to(const std::string& address) {
  http::Request request;
  request.url = std::get<http::Url>(http::read_url(address));
  return request;
}

inline http::Request post_to(const std::string& address, std::string body) {
  http::Request request = request_to(address);
  request.method = "POST";
  request.body = std::make_shared<const std::string>(std::move(body));
  return request;
}

struct Exchanged {
  Outcome outcome;
  Recorder recorder;
  std::chrono::milliseconds took{0};
};

inline Exchanged exchange(net::io_context& io, http::Client& client, http::Request request,
                          Recorder recorder = {}) {
  Exchanged exchanged{.outcome = {}, .recorder = std::move(recorder)};
  const auto start = std::chrono::steady_clock::now();
  exchanged.outcome = run(io, client.exchange(std::move(request), exchanged.recorder));
  exchanged.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  return exchanged;
}

// With a client of its own.
inline Exchanged exchange(http::Request request, http::ClientOptions options = {},
                          Recorder recorder = {}) {
  net::io_context io;
  http::Client client(io.get_executor(), std::move(options));
  return exchange(io, client, std::move(request), std::move(recorder));
}

inline const http::Completed& completed(const Outcome& outcome) {
  if (const auto* failure = std::get_if<http::Failure>(&outcome))
    FAIL(to_text(failure->kind), ": ", failure->message);
  return std::get<http::Completed>(outcome);
}

inline const http::Failure& failure(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<http::Failure>(outcome));
  return std::get<http::Failure>(outcome);
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline int open_fds() {
  int count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory)) ++count;
  closedir(directory);
  return count;
}

}  // namespace kit
