#include "http/dial.h"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <span>
#include <stdexcept>
#include <tuple>

#include "http/response_parser.h"

namespace http {

namespace {

using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kProxyHeadBytesMax = 16 << 10;
constexpr Clock::duration kAttemptMin = Milliseconds(250);  // for one address of several

class Dialer {
 public:
  Dialer(ClientState& state, Connection& connection, Deadline& deadline, const Url& url)
      : state_(state),
        connection_(connection),
        deadline_(deadline),
        url_(url),
        proxy_(state.proxies.proxy_for(url)) {}

  net::awaitable<std::optional<Failure>> run();

 private:
  net::awaitable<std::optional<Failure>> connect_to_any(
      std::vector<net::ip::tcp::endpoint> endpoints, const std::string& peer);
  net::awaitable<std::optional<Failure>> open_tunnel();
  net::awaitable<std::optional<Failure>> shake_hands();
  net::awaitable<error_code> send_connect();
  Failure failure(Failure::Kind kind, const std::string& attempted, const std::string& reason);
  Failure failure(Failure::Kind kind, const std::string& attempted, const error_code& error);

  ClientState& state_;
  Connection& connection_;
  Deadline& deadline_;
  const Url& url_;
  const Proxy* proxy_;
};

// The end of a wait: a passed deadline is a failure, our caller's cancellation is an exception.
Failure Dialer::failure(Failure::Kind kind, const std::string& attempted,
                        const std::string& reason) {
  if (!deadline_.expired()) return {kind, attempted + ": " + reason};
  return {Failure::Kind::Timeout, attempted + ": the " + deadline_.name() + " passed"};
}

Failure Dialer::failure(Failure::Kind kind, const std::string& attempted, const error_code& error) {
  if (error == net::error::operation_aborted && !deadline_.expired())
    throw boost::system::system_error(error);
  return failure(kind, attempted, error.message());
}

net::awaitable<std::optional<Failure>> Dialer::run() {
  const std::string host = proxy_ ? proxy_->host : url_.host;
  const std::string port = proxy_ ? proxy_->port : url_.port;
  Names::Found found = co_await state_.names.find(host, port, deadline_.at());
  if (found.error == net::error::timed_out) {
    const std::string message = "looking up '" + host + "': the " + deadline_.name() + " passed";
    co_return Failure{Failure::Kind::Timeout, message};
  }
  if (found.error)
    co_return failure(Failure::Kind::Resolve, "looking up '" + host + "'", found.error);

  const std::string peer = (proxy_ ? "proxy " : "") + host + ":" + port;
  std::optional<Failure> failed = co_await connect_to_any(std::move(found.endpoints), peer);
  if (!failed && proxy_ && url_.tls) failed = co_await open_tunnel();
  if (!failed && url_.tls) failed = co_await shake_hands();
  co_return failed;
}

// One address after the other. Each but the last gets its share of the time only, so that one
// that swallows everything does not keep us from the next.
net::awaitable<std::optional<Failure>> Dialer::connect_to_any(
    std::vector<net::ip::tcp::endpoint> endpoints, const std::string& peer) {
  const Clock::time_point end = deadline_.at();
  std::optional<Failure> failed;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Clock::time_point now = Clock::now();
    const auto share =
        std::max<Clock::duration>((end - now) / long(endpoints.size() - i), kAttemptMin);
    deadline_.move_to(std::min(end, now + share));
    auto [error] = co_await connection_.connect(endpoints[i]);
    if (!error) {
      deadline_.move_to(end);
      co_return std::nullopt;
    }
    failed =
        failure(Failure::Kind::Connect,
                "connecting to " + peer + " (" + endpoints[i].address().to_string() + ")", error);
    if (Clock::now() >= end) break;
  }
  co_return failed;
}

net::awaitable<error_code> Dialer::send_connect() {
  const std::string target =
      (url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]") + ":" +
      url_.port;
  std::string text = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy_->authorization.empty())
    text += "Proxy-Authorization: " + proxy_->authorization + "\r\n";
  text += "\r\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const Connection::Result result = connection_.write(std::span(&rest, 1));
    if (result.error) co_return result.error;
    rest.remove_prefix(result.bytes);
    if (result.want == Connection::Want::Nothing) continue;
    auto [error] = co_await connection_.wait(result.want);
    if (error) co_return error;
  }
  co_return error_code();
}

net::awaitable<std::optional<Failure>> Dialer::open_tunnel() {
  const std::string attempted =
      "asking proxy " + proxy_->name() + " for " + url_.host + ":" + url_.port;
  const auto kind = Failure::Kind::Proxy;
  if (const error_code error = co_await send_connect()) co_return failure(kind, attempted, error);

  const ResponseParser::Limits limits{.header_bytes_max = kProxyHeadBytesMax, .body_bytes_max = 0};
  ResponseParser parser(ResponseParser::Request::Connect, limits);
  for (;;) {
    const Connection::Result result = connection_.read(state_.read_buffer);
    error_code error = result.error;
    if (result.want != Connection::Want::Nothing) {
      std::tie(error) = co_await connection_.wait(result.want);
      if (!error) continue;
    }
    if (error) co_return failure(kind, attempted, error);
    std::string_view bytes(state_.read_buffer.data(), result.bytes);
    const ResponseParser::Event event = parser.next(bytes);
    if (event == ResponseParser::Event::NeedMore) continue;
    // An error page may follow and may be too large: the status is all that is wanted.
    if (const int status = parser.head().status; status >= 300)
      co_return failure(kind, attempted, "the answer was status " + std::to_string(status));
    if (event != ResponseParser::Event::Head) co_return failure(kind, attempted, parser.problem());
    if (!bytes.empty())
      co_return failure(kind, attempted, "bytes came before anything was sent into the tunnel");
    co_return std::nullopt;
  }
}

net::awaitable<std::optional<Failure>> Dialer::shake_hands() {
  const std::string attempted = "TLS handshake with " + url_.host + ":" + url_.port;
  std::string problem;
  try {
    connection_.start_tls(state_.trusted(), url_.host);
  } catch (const std::runtime_error& error) {
    problem = error.what();
  }
  if (!problem.empty()) co_return failure(Failure::Kind::Tls, attempted, problem);
  for (;;) {
    const Connection::Result result = connection_.shake_hands();
    if (result.error == net::error::operation_aborted)
      co_return failure(Failure::Kind::Tls, attempted, result.error);
    if (result.error) co_return failure(Failure::Kind::Tls, attempted, connection_.tls_problem());
    if (result.want == Connection::Want::Nothing) co_return std::nullopt;
    auto [error] = co_await connection_.wait(result.want);
    if (error) co_return failure(Failure::Kind::Tls, attempted, error);
  }
}

}  // namespace

ClientState::ClientState(net::any_io_executor the_executor, ClientOptions the_options)
    : executor(std::move(the_executor)),
      options(std::move(the_options)),
      proxies(options.proxy_http, options.proxy_https, options.no_proxy),
      names(executor),
      pool(options.idle_connections_max, options.idle_connection_ms),
      read_buffer(std::max<std::size_t>(options.read_buffer_bytes, 1)) {
  if (!options.ca_file.empty()) trusted();
}

const TlsContext& ClientState::trusted() {
  if (!tls) tls = std::make_unique<TlsContext>(options.ca_file);
  return *tls;
}

net::awaitable<std::optional<Failure>> dial(ClientState& state, Connection& connection,
                                            Deadline& deadline, const Url& url) {
  Dialer dialer(state, connection, deadline, url);
  co_return co_await dialer.run();
}

}  // namespace http
