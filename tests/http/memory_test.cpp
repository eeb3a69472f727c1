#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/http/certificates.h"
#include "tests/http/exchange_kit.h"
#include "tests/http/raw_server.h"

namespace {

namespace net = boost::asio;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasurable = false;
#else
constexpr bool kMeasurable = true;
#endif
constexpr int kStreams = 5000;
// Begun together; a limit of concurrency that feels its way up does the same.
constexpr int kWave = 250;
constexpr double kPlainKibMax = 8;
constexpr double kTlsKibMax = 24;  // of which OpenSSL's own objects are 15

// A server in a process of its own, so that its memory and its sockets are not ours. It answers
// each connection with the beginning of a stream and holds it open until it is killed.
class StreamServer {
 public:
  explicit StreamServer(SSL_CTX* context) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(listener_, 4096) == 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = std::to_string(ntohs(address.sin_port));
    process_ = fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      serve(context);
      _exit(0);
    }
    ::close(listener_);
  }
  ~StreamServer() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

  const std::string& port() const { return port_; }

 private:
  void serve(SSL_CTX* context) const {
    std::vector<std::unique_ptr<raw::Peer>> peers;
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      peers.push_back(std::make_unique<raw::Peer>(fd, int(peers.size())));
      if (context && !peers.back()->accept_tls(context)) continue;
      peers.back()->read_request();
      peers.back()->send(
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nServer: test\r\n"
          "Transfer-Encoding: chunked\r\n\r\nf\r\ndata: {\"a\": 1}\n\r\n");
    }
  }

  int listener_ = -1;
  std::string port_;
  pid_t process_ = -1;
};

class Counter : public http::Receiver {
 public:
  explicit Counter(int& pieces) : pieces_(pieces) {}
  Said head(const http::ResponseHead&) override { return Said::Nothing; }
  Said data(std::string_view) override {
    ++pieces_;
    return Said::Progress;
  }

 private:
  int& pieces_;
};

double resident_kib() {
  long pages = 0, resident = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  REQUIRE(file);
  REQUIRE(fscanf(file, "%ld %ld", &pages, &resident) == 2);
  fclose(file);
  return double(resident) * double(sysconf(_SC_PAGESIZE)) / 1024;
}

http::Request stream_request(const std::string& address) {
  // As a call of ours has it: a key, a prompt that many calls share.
  static const auto prompt = std::make_shared<const std::string>(4000, 'p');
  http::Request request = kit::request_to(address);
  request.method = "POST";
  request.body = prompt;
  // All start at once, on a machine that may be busy: thousands of handshakes take their time.
  request.deadlines.connect_ms = http::Milliseconds(120'000);
  request.fields = {{"Authorization", "Bearer " + std::string(50, 'k')},
                    {"Content-Type", "application/json"},
                    {"Accept", "text/event-stream"},
                    {"User-Agent", "test"}};
  return request;
}

// Opens `kStreams` exchanges, takes the measure, cancels them all.
double kib_per_stream(const std::string& address, http::ClientOptions options) {
  const int fds = kit::open_fds();
  net::io_context io;
  http::Client client(io.get_executor(), std::move(options));
  int pieces = 0, ended = 0;
  std::string failed;
  Counter counter(pieces);
  std::vector<net::cancellation_signal> signals(kStreams);
  const double before = resident_kib();
  for (int i = 0; i < kStreams; ++i) {
    auto handler = [&](const std::exception_ptr& error, const kit::Outcome& outcome) {
      ++ended;
      if (!error) failed = kit::failure(outcome).message;
    };
    net::co_spawn(io, client.exchange(stream_request(address), counter),
                  net::bind_cancellation_slot(signals[std::size_t(i)].slot(), handler));
    const bool wave_full = i % kWave == kWave - 1;
    while (wave_full && pieces + ended <= i && io.run_one_for(std::chrono::seconds(20)) > 0) {
    }
  }
  REQUIRE(failed == "");
  REQUIRE(pieces == kStreams);
  CHECK(client.open_connections() == kStreams);
  const double after = resident_kib();
  for (net::cancellation_signal& signal : signals) signal.emit(net::cancellation_type::terminal);
  io.run();
  CHECK(ended == kStreams);
  CHECK(client.open_connections() == 0);
  CHECK(kit::open_fds() <= fds + 4);  // Asio's own: epoll, eventfd, timerfd
  return (after - before) / kStreams;
}

void check_memory(const std::string& address, http::ClientOptions options, double kib_max) {
  const double kib = kib_per_stream(address, std::move(options));
  MESSAGE(kStreams, " open exchanges, KiB each: ", kib);
  if (kMeasurable) CHECK(kib < kib_max);
}

TEST_SUITE("slow/http/memory") {
  TEST_CASE("thousands of open exchanges take less than 8 KiB each, and all their fds return") {
    StreamServer server(nullptr);

    check_memory("http://127.0.0.1:" + server.port() + "/v1/chat/completions", {}, kPlainKibMax);
  }

  TEST_CASE("thousands of open exchanges over TLS take less than 24 KiB each") {
    const raw::Authority authority;
    const raw::Context context = authority.server("IP:127.0.0.1");
    StreamServer server(context.get());
    http::ClientOptions options;
    options.ca_file = authority.file();

    check_memory("https://127.0.0.1:" + server.port() + "/v1/chat/completions", options,
                 kTlsKibMax);
  }
}

}  // namespace
