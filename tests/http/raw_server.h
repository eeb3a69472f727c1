#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace raw {

// A server of scripted bytes on 127.0.0.1, for tests of a client: it is as wrong as the script
// wants. Each connection is served by one call of the script in a thread of its own, with blocking
// calls. Whatever a script waits for ends when the server goes, or after five seconds.

constexpr int kPatienceMs = 5000;

class Peer {
 public:
  Peer(int fd, int index) : fd_(fd), index_(index) {}
  ~Peer() { close(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  int index() const { return index_; }  // of the connection, from 0

  // The handshake; false if it fails.
  bool accept_tls(SSL_CTX* context) {
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_);
    return SSL_accept(ssl_.get()) == 1;
  }

  // Up to `size` bytes, empty at the end of the stream.
  std::string read_some(std::size_t size = 65536) {
    std::string bytes(size, '\0');
    const long got =
        ssl_ ? SSL_read(ssl_.get(), bytes.data(), int(size)) : ::recv(fd_, bytes.data(), size, 0);
    bytes.resize(got > 0 ? std::size_t(got) : 0);
    return bytes;
  }

  // One request with its body of Content-Length; empty if the stream ends before.
  std::string read_request() {
    for (;;) {
      const std::size_t end = buffered_.find("\r\n\r\n");
      if (end != std::string::npos) {
        std::size_t length = end + 4;
        if (const std::size_t field = buffered_.find("Content-Length: "); field < end)
          length += std::stoul(buffered_.substr(field + 16));
        if (buffered_.size() >= length) {
          std::string request = buffered_.substr(0, length);
          buffered_.erase(0, length);
          return request;
        }
      }
      const std::string more = read_some();
      if (more.empty()) return {};
      buffered_ += more;
    }
  }

  // False once the client has gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const long sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), int(bytes.size()))
                             : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(std::size_t(sent));
    }
    return true;
  }

  // Reads nothing for that long.
  void pause(int ms) {
    pollfd nothing{.fd = fd_, .events = 0, .revents = 0};
    poll(&nothing, 1, ms);
  }
  // Until the client ends the stream; what it sends is thrown away.
  void wait_closed() {
    while (!read_some().empty()) {
    }
  }

  void close_notify() { SSL_shutdown(ssl_.get()); }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (const int fd = fd_.exchange(-1); fd >= 0) ::close(fd);
  }
  void shutdown() {
    if (const int fd = fd_; fd >= 0) ::shutdown(fd, SHUT_RDWR);
  }
  int fd() const { return fd_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::atomic<int> fd_;
  int index_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string buffered_;
};

using Script = std::function<void(Peer&)>;

// What scripts read, each on its connection's thread, for the test to look at.
class Mailbox {
 public:
  void put(std::string text) {
    const std::lock_guard lock(mutex_);
    texts_.push_back(std::move(text));
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return texts_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
};

class Server {
 public:
  explicit Server(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 128) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no listening socket");
    port_ = std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { accept_all(); });
  }
  ~Server() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    {
      const std::lock_guard lock(mutex_);
      for (const auto& peer : peers_) peer->shutdown();
    }
    for (std::thread& one : threads_) one.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& port() const { return port_; }
  std::string url(const std::string& target = "/") const {
    return "http://127.0.0.1:" + port_ + target;
  }
  int accepted() const { return accepted_; }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      const timeval patience{.tv_sec = kPatienceMs / 1000, .tv_usec = 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      const auto peer = std::make_shared<Peer>(fd, accepted_++);
      {
        const std::lock_guard lock(mutex_);
        peers_.push_back(peer);
      }
      threads_.emplace_back([this, peer] {
        script_(*peer);
        peer->close();
      });
    }
  }

  Script script_;
  int listener_ = -1;
  std::string port_;
  std::atomic<int> accepted_{0};
  std::mutex mutex_;
  std::vector<std::shared_ptr<Peer>> peers_;
  std::vector<std::thread> threads_;
  std::thread thread_;
};

// Answers each connection's first request with `bytes` and closes.
inline Script answer_once(std::string bytes) {
  return [bytes = std::move(bytes)](Peer& peer) {
    peer.read_request();
    peer.send(bytes);
  };
}

// Answers request after request on one connection with `bytes`.
inline Script answer_all(std::string bytes) {
  return [bytes = std::move(bytes)](Peer& peer) {
    while (!peer.read_request().empty() && peer.send(bytes)) {
    }
  };
}

}  // namespace raw
