#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http/url.h"

namespace http {

namespace net = boost::asio;
using Fields = std::vector<std::pair<std::string, std::string>>;
using Milliseconds = std::chrono::milliseconds;

// An HTTP/1.1 client: one exchange at a time on a connection, connections kept and reused per
// origin, TLS with the peer's name verified, proxies. It knows no route and retries nothing but
// one case: a kept connection that the server had closed before it read the request.
// All functions run on one thread, the executor's.

struct ClientOptions {
  std::size_t header_bytes_max = 64 << 10;
  // Read at once. One buffer serves all connections: thousands are open at once.
  std::size_t read_buffer_bytes = 4 << 10;
  std::size_t idle_connections_max = 1024;
  // Older ones are closed when the client is next used: no timer of ours keeps an otherwise idle
  // io_context running.
  Milliseconds idle_connection_ms{15'000};
  std::string proxy_http;   // as in HTTP_PROXY; empty: none
  std::string proxy_https;  // as in HTTPS_PROXY
  std::string no_proxy;     // as in NO_PROXY: comma-separated names, ".suffix", "*"
  std::string ca_file;      // empty: OpenSSL's defaults, which honour SSL_CERT_FILE
};

struct Deadlines {
  Milliseconds connect_ms{10'000};   // name, TCP, TLS, proxy
  Milliseconds first_ms{600'000};    // from the request sent to the first progress
  Milliseconds between_ms{120'000};  // from progress to progress; also while sending
  Milliseconds total_ms{7'200'000};  // the whole exchange
};

struct Request {
  std::string method = "GET";
  Url url;
  Fields fields;  // Host, Content-Length and Connection are set by the client
  // Shared, so that a thousand votes on one proof need not hold a thousand copies; it is let go
  // as soon as it is sent.
  std::shared_ptr<const std::string> body;
  std::string body_end;  // follows `body` and belongs to it: the little in which requests differ
  std::size_t body_bytes_max = 64 << 20;  // of the answer
  Deadlines deadlines;
};

struct ResponseHead {
  int status = 0;
  Fields fields;
  // The value of the first field of that name, whatever its case; empty if there is none.
  std::string_view field(std::string_view name) const;
};

// Receives the answer as it comes. Only `Progress` winds the between-deadline up again, so that
// keep-alive comments of a dead server do not keep a call alive.
class Receiver {
 public:
  enum class Said { Progress, Nothing, Stop };
  virtual ~Receiver() = default;
  virtual Said head(const ResponseHead& head) = 0;
  virtual Said data(std::string_view bytes) = 0;
};

struct Completed {
  int status = 0;
  std::size_t body_bytes = 0;
  bool stopped = false;  // the receiver said Stop; the connection was closed
  // The end of the body was the end of a plain TCP stream, which a cut looks like too: whoever
  // reads a stream must look for its own end marker.
  bool until_close = false;
};

struct Failure {
  enum class Kind {
    Resolve,
    Connect,
    Tls,
    Proxy,  // nothing was sent
    Send,
    Closed,  // cut while sending; closed before any byte of an answer
    Cut,     // the answer ended before its end
    Malformed,
    TooLarge,  // not HTTP; over a limit
    Timeout,   // `message` says which deadline
  };
  Kind kind = Kind::Connect;
  std::string message;  // what was attempted, on what, what came back
};
std::string_view to_text(Failure::Kind kind);

class Client {
 public:
  // Throws std::runtime_error if a proxy or the file of certificates cannot be used. The client
  // ends before its io_context.
  Client(net::any_io_executor executor, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends and receives. Cancellation (terminal) closes the connection and throws
  // boost::system::system_error(operation_aborted). `receiver` outlives the call.
  // A redirect is an ordinary answer: none is followed. A request that cannot be put into HTTP (a
  // line end in a field, a field that the client sets) throws std::invalid_argument.
  net::awaitable<std::variant<Completed, Failure>> exchange(Request request, Receiver& receiver);

  std::size_t open_connections() const;
  void close_idle();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

// The whole answer at once, for small ones.
struct Response {
  ResponseHead head;
  std::string body;
};
net::awaitable<std::variant<Response, Failure>> fetch(Client& client, Request request);

}  // namespace http
