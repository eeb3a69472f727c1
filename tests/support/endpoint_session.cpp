#include "tests/support/endpoint_session.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>

namespace support {

namespace bhttp = boost::beast::http;

static constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);

// Ten thousand connections wait at once: an idle one keeps no more than this.
static constexpr std::size_t kIdleBufferBytes = 4 << 10;

EndpointState::EndpointState(EndpointOptions given)
    : options(std::move(given)),
      journal(options.journal, options.journal_sync),
      scripted_faults(!options.faults.empty()) {}

EndpointSession::EndpointSession(EndpointState& state, tcp::socket socket)
    : state_(state), socket_(std::move(socket)), timer_(socket_.get_executor()) {
  state_.sessions.insert(this);
  ++state_.counts.connections;
  ++state_.counts.open_connections;
}

EndpointSession::~EndpointSession() {
  state_.sessions.erase(this);
  --state_.counts.open_connections;
}

void EndpointSession::stop_waiting() {
  boost::system::error_code ignored;
  if (waiting_) socket_.cancel(ignored);
}

net::awaitable<void> EndpointSession::serve() {
  boost::system::error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  Next next = Next::Request;
  while (next == Next::Request && !state_.stopping) {
    Request request;
    if (!co_await read_request(request)) break;
    next = co_await answer(request);
  }
  if (next == Next::Rst) {
    socket_.set_option(net::socket_base::linger(true, 0), ignored);
  } else {
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  socket_.close(ignored);
}

// False if there is none any more. A request that breaks a limit comes back with `refusal`.
net::awaitable<bool> EndpointSession::read_request(Request& request) {
  if (buffer_.capacity() > kIdleBufferBytes) buffer_.shrink_to_fit();
  buffer_.reserve(kIdleBufferBytes);
  bhttp::request_parser<bhttp::string_body> parser;
  parser.header_limit(ScriptedEndpoint::kHeaderBytesMax);
  parser.body_limit(ScriptedEndpoint::kRequestBytesMax);

  waiting_ = true;
  auto [head_error, head_count] =
      co_await bhttp::async_read_header(socket_, buffer_, parser, kAsTuple);
  waiting_ = false;
  boost::system::error_code error = head_error;
  if (!error && !parser.is_done()) {
    if (parser.get()[bhttp::field::expect] == "100-continue") {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await net::async_write(socket_, net::buffer(kContinue), kAsTuple);
    }
    auto [body_error, body_count] = co_await bhttp::async_read(socket_, buffer_, parser, kAsTuple);
    error = body_error;
  }

  if (error == bhttp::error::body_limit) request.refusal = 413;
  if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow)
    request.refusal = 431;
  if (error && request.refusal == 0) {
    // Not HTTP, or gone. Whoever spoke something else is told so.
    if (error.category() != bhttp::make_error_code(bhttp::error::bad_method).category() ||
        error == bhttp::error::end_of_stream || error == bhttp::error::partial_message)
      co_return false;
    request.refusal = 400;
  }
  auto& message = parser.get();
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.id = std::string(message["X-Request-Id"]);
  request.authorization = std::string(message[bhttp::field::authorization]);
  request.http_1_0 = message.version() == 10;
  request.keep_alive = request.refusal == 0 && !request.http_1_0 && message.keep_alive();
  request.body = std::move(message.body());
  co_return true;
}

std::string EndpointSession::head_of(const Request& request, int status, std::string_view type,
                                     std::string_view fields) const {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason_of(status)).append("\r\nContent-Type: ").append(type).append("\r\n");
  if (!request.id.empty()) head.append("X-Request-Id: ").append(request.id).append("\r\n");
  if (!may_keep(request)) head += "Connection: close\r\n";
  head.append(fields);
  return head;
}

net::awaitable<EndpointSession::Next> EndpointSession::respond(const Request& request,
                                                               const SimpleResponse& response) {
  const bool keep = may_keep(request);
  std::string bytes = head_of(request, response.status, response.type, response.fields);
  bytes += "Content-Length: " + std::to_string(response.body.size()) + "\r\n\r\n" + response.body;
  auto [error, count] = co_await net::async_write(socket_, net::buffer(bytes), kAsTuple);
  co_return error || !keep ? Next::Fin : Next::Request;
}

net::awaitable<EndpointSession::Next> EndpointSession::answer(Request& request) {
  const auto refusal = [](int status, std::string_view message, std::string_view code) {
    return SimpleResponse{.status = status,
                          .body = error_body(message, "invalid_request_error", code)};
  };
  const EndpointOptions& options = state_.options;
  const std::string_view target =
      std::string_view(request.target).substr(0, request.target.find('?'));
  const bool chat = target == "/v1/chat/completions";
  SimpleResponse response;
  if (request.refusal != 0) {
    response = refusal(request.refusal, "The request cannot be read.", "bad_request");
  } else if (target == "/health") {
    response.body = "{\"status\":\"ok\"}";
  } else if (!options.api_key.empty() && request.authorization != "Bearer " + options.api_key) {
    response = refusal(401, "The key is wrong or missing.", "invalid_api_key");
  } else if (target == "/v1/models" || chat) {
    if (request.method != (chat ? "POST" : "GET"))
      response = refusal(405, "This method is not allowed here.", "method_not_allowed");
    else if (chat)
      co_return co_await answer_chat(request);
    else
      response.body = models_body(options.model);
  } else {
    response = refusal(404, "There is nothing at this address.", "not_found");
  }
  co_return co_await respond(request, response);
}

net::awaitable<EndpointSession::Next> EndpointSession::wait_until_gone() {
  waiting_ = true;
  co_await socket_.async_wait(tcp::socket::wait_read, kAsTuple);
  waiting_ = false;
  co_return Next::Fin;
}

net::awaitable<void> EndpointSession::wait_ms(double ms) {
  timer_.expires_after(std::chrono::microseconds(int64_t(ms * 1000)));
  co_await timer_.async_wait(kAsTuple);
}

void EndpointSession::log(std::string_view event, const Request& request, const Call& call,
                          std::string_view more) {
  state_.journal.write(event, request.id, call.sha256, more);
}

}  // namespace support
