#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "http/tls.h"

namespace http {

namespace net = boost::asio;

// A TCP stream, plain or under TLS. Reading and writing never wait: they say what to wait for.
// So no buffer is bound to a connection that waits.
class Connection {
 public:
  enum class Want { Nothing, Read, Write };
  struct Result {
    std::size_t bytes = 0;
    Want want = Want::Nothing;        // nothing was done; wait for this and try again
    boost::system::error_code error;  // eof: ended properly; stream_truncated: TLS cut short
  };
  using Waited = std::tuple<boost::system::error_code>;

  // `counter` counts the connections alive; it is shared with all of a client.
  Connection(const net::any_io_executor& executor, std::shared_ptr<std::size_t> counter);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  net::awaitable<Waited> connect(net::ip::tcp::endpoint endpoint);
  // After connect. Throws std::runtime_error if OpenSSL fails.
  void start_tls(const TlsContext& context, const std::string& host);
  Result shake_hands();
  // Why the last handshake failed.
  std::string tls_problem() const { return tls_problem_; }

  Result read(std::span<char> buffer);
  // Writes the beginning of `parts`, one after the other, as far as they are taken at once.
  // REQUIRES: the first one is not empty.
  Result write(std::span<const std::string_view> parts);
  // Waits for `want`, or for bytes to read as well. The error is operation_aborted after close().
  net::awaitable<Waited> wait(Want want);
  net::awaitable<Waited> wait_for_either();
  // A kept connection that has nothing to read, not even its end.
  bool quiet();

  void close();
  bool is_open() const { return socket_.is_open(); }

 private:
  Result read_plain(std::span<char> buffer);
  Result write_plain(std::span<const std::string_view> parts);
  Result tls_result(int returned);

  std::shared_ptr<std::size_t> counter_;
  net::ip::tcp::socket socket_;
  TlsSession tls_;
  std::string tls_problem_;
};

}  // namespace http
