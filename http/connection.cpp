#include "http/connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <climits>

namespace http {

namespace {

using boost::system::error_code;

// A head, a body and its end. What is beyond waits for the next write.
constexpr std::size_t kPartsAtOnceMax = 4;

constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);

error_code last_error() { return error_code(errno, boost::system::system_category()); }

Connection::Result waiting_or_error(Connection::Want want) {
  Connection::Result result;
  if (errno == EAGAIN || errno == EINTR)
    result.want = want;
  else
    result.error = last_error();
  return result;
}

}  // namespace

Connection::Connection(const net::any_io_executor& executor, std::shared_ptr<std::size_t> counter)
    : counter_(std::move(counter)), socket_(executor) {
  ++*counter_;
}

Connection::~Connection() {
  close();
  --*counter_;
}

void Connection::close() {
  if (!socket_.is_open()) return;
  if (tls_ && SSL_is_init_finished(tls_.get())) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());  // close_notify, if the socket takes it at once
    ERR_clear_error();
  }
  error_code ignored;
  socket_.close(ignored);
}

net::awaitable<Connection::Waited> Connection::connect(net::ip::tcp::endpoint endpoint) {
  close();
  error_code error;
  socket_.open(endpoint.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (!error) {
    std::tie(error) = co_await socket_.async_connect(endpoint, kAsTuple);
    if (!error) {
      error_code ignored;
      socket_.set_option(net::ip::tcp::no_delay(true), ignored);
      // A model thinks for many minutes without a byte; a dead peer or a forgetful address
      // translator between us shows only by this.
      socket_.set_option(net::socket_base::keep_alive(true), ignored);
    }
  }
  co_return Waited(error);
}

void Connection::start_tls(const TlsContext& context, const std::string& host) {
  tls_ = context.session(socket_.native_handle(), host);
}

Connection::Result Connection::shake_hands() {
  if (!socket_.is_open()) return {.error = net::error::operation_aborted};
  ERR_clear_error();
  const int returned = SSL_do_handshake(tls_.get());
  if (returned == 1) return {};
  Result result = tls_result(returned);
  const long verified = SSL_get_verify_result(tls_.get());
  if (result.error)
    tls_problem_ = verified != X509_V_OK ? std::string("the certificate was refused: ") +
                                               X509_verify_cert_error_string(verified)
                                         : result.error.message();
  return result;
}

// What OpenSSL's `returned`, which was not a success, means.
Connection::Result Connection::tls_result(int returned) {
  const int system_error = errno;
  Result result;
  switch (SSL_get_error(tls_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      // SSL_MODE_RELEASE_BUFFERS leaves those of the handshake and the 16 KiB for writing.
      SSL_free_buffers(tls_.get());
      result.want = Want::Read;
      return result;
    case SSL_ERROR_WANT_WRITE:
      result.want = Want::Write;
      return result;
    case SSL_ERROR_ZERO_RETURN:
      result.error = net::error::eof;
      return result;
    case SSL_ERROR_SYSCALL:
      result.error = system_error != 0 ? error_code(system_error, boost::system::system_category())
                                       : error_code(net::ssl::error::stream_truncated);
      break;
    default: {
      const unsigned long code = ERR_get_error();
      result.error = ERR_GET_LIB(code) == ERR_LIB_SSL &&
                             ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING
                         ? error_code(net::ssl::error::stream_truncated)
                         : error_code(int(code), net::error::get_ssl_category());
    }
  }
  ERR_clear_error();
  return result;
}

Connection::Result Connection::read_plain(std::span<char> buffer) {
  const ssize_t received = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
  if (received < 0) return waiting_or_error(Want::Read);
  Result result;
  result.bytes = std::size_t(received);
  if (received == 0) result.error = net::error::eof;
  return result;
}

Connection::Result Connection::read(std::span<char> buffer) {
  if (!socket_.is_open()) return {.error = net::error::operation_aborted};
  if (!tls_) return read_plain(buffer);
  ERR_clear_error();
  const int size = int(std::min<std::size_t>(buffer.size(), INT_MAX));
  errno = 0;
  const int returned = SSL_read(tls_.get(), buffer.data(), size);
  if (returned <= 0) return tls_result(returned);
  Result result;
  result.bytes = std::size_t(returned);
  return result;
}

Connection::Result Connection::write_plain(std::span<const std::string_view> parts) {
  std::array<iovec, kPartsAtOnceMax> vectors{};
  const std::size_t count = std::min(parts.size(), vectors.size());
  for (std::size_t i = 0; i < count; ++i)
    vectors[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};  // they are only read
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
  if (sent < 0) return waiting_or_error(Want::Write);
  Result result;
  result.bytes = std::size_t(sent);
  return result;
}

Connection::Result Connection::write(std::span<const std::string_view> parts) {
  if (!socket_.is_open()) return {.error = net::error::operation_aborted};
  if (!tls_) return write_plain(parts);
  // OpenSSL gathers nothing: each part goes into records of its own.
  const std::string_view bytes = parts.front();
  ERR_clear_error();
  const int size = int(std::min<std::size_t>(bytes.size(), INT_MAX));
  errno = 0;
  const int returned = SSL_write(tls_.get(), bytes.data(), size);
  if (returned <= 0) return tls_result(returned);
  Result result;
  result.bytes = std::size_t(returned);
  return result;
}

net::awaitable<Connection::Waited> Connection::wait(Want want) {
  return socket_.async_wait(
      want == Want::Write ? net::socket_base::wait_write : net::socket_base::wait_read, kAsTuple);
}

net::awaitable<Connection::Waited> Connection::wait_for_either() {
  // The wait for reading runs beside and, when there is something, ends the wait for writing. The
  // flag outlives this coroutine if it is cancelled.
  struct Beside {
    net::ip::tcp::socket* socket;
    bool readable = false;
  };
  const auto beside = std::make_shared<Beside>();
  beside->socket = &socket_;
  auto on_readable = [beside](const error_code& error) {
    if (error || !beside->socket) return;
    beside->readable = true;
    error_code ignored;
    beside->socket->cancel(ignored);
  };
  socket_.async_wait(net::socket_base::wait_read, std::move(on_readable));
  struct Leave {
    Beside& beside;
    ~Leave() { beside.socket = nullptr; }
  };
  const Leave leave{*beside};

  auto [error] = co_await socket_.async_wait(net::socket_base::wait_write, kAsTuple);
  if (beside->readable && socket_.is_open()) co_return Waited(error_code());
  if (socket_.is_open()) {
    error_code ignored;
    socket_.cancel(ignored);  // ends the wait beside
  }
  co_return Waited(error);
}

bool Connection::quiet() {
  char byte;
  const Result result = read(std::span(&byte, 1));
  return result.want == Want::Read;
}

}  // namespace http
