#include "http/deadline.h"

#include <doctest/doctest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <tuple>

#include "tests/http/exchange_kit.h"
#include "tests/http/raw_server.h"

namespace {

namespace net = boost::asio;
using http::Failure;
using http::Milliseconds;
using kit::completed;
using kit::contains;
using kit::exchange;
using kit::failure;
using Said = http::Receiver::Said;

const std::string kStream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// The failure of an exchange that must end by its deadline and at most a second later.
std::string timeout_message(http::Request request, Milliseconds deadline,
                            Said says_to_head = Said::Progress, Said says = Said::Progress) {
  kit::Recorder recorder;
  recorder.says_to_head = says_to_head;
  recorder.says = says;
  kit::Exchanged done = exchange(std::move(request), {}, std::move(recorder));
  CHECK(failure(done.outcome).kind == Failure::Kind::Timeout);
  CHECK(done.took >= deadline);
  CHECK(done.took < deadline + Milliseconds(1000));
  return failure(done.outcome).message;
}

TEST_SUITE("http/deadline") {
  TEST_CASE("a server that never answers meets the first-progress deadline") {
    raw::Server server([](raw::Peer& peer) { peer.wait_closed(); });
    http::Request request = kit::post_to(server.url(), "x");
    request.deadlines.first_ms = Milliseconds(80);

    CHECK(timeout_message(std::move(request), Milliseconds(80)) ==
          "POST " + server.url() +
              ": waiting for the answer: the first-progress deadline of 80 ms passed");
  }

  TEST_CASE("a head alone is no progress unless the receiver says so") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kStream);
      peer.wait_closed();
    });
    http::Request request = kit::request_to(server.url());
    request.deadlines.first_ms = Milliseconds(80);
    request.deadlines.between_ms = Milliseconds(120);

    CHECK(contains(timeout_message(request, Milliseconds(80), Said::Nothing),
                   "first-progress deadline of 80 ms"));
    CHECK(contains(timeout_message(request, Milliseconds(120), Said::Progress),
                   "between-progress deadline of 120 ms"));
  }

  TEST_CASE("keep-alive comments do not wind the deadline up") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kStream);
      while (peer.send("8\r\n: ping\n\n\r\n")) peer.pause(5);
    });
    http::Request request = kit::request_to(server.url());
    request.deadlines.first_ms = Milliseconds(80);

    CHECK(contains(timeout_message(request, Milliseconds(80), Said::Nothing, Said::Nothing),
                   "first-progress deadline of 80 ms"));
    request.deadlines.between_ms = Milliseconds(60);
    CHECK(contains(timeout_message(request, Milliseconds(60), Said::Progress, Said::Nothing),
                   "between-progress deadline of 60 ms"));
  }

  TEST_CASE("a flood that is no progress meets its deadline too") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kStream);
      std::string flood;
      for (int i = 0; i < 5000; ++i) flood += "8\r\n: ping\n\n\r\n";
      while (peer.send(flood)) {
      }
    });
    http::Request request = kit::request_to(server.url());
    request.deadlines.first_ms = Milliseconds(80);
    request.body_bytes_max = std::size_t(1) << 40;

    CHECK(contains(timeout_message(request, Milliseconds(80), Said::Nothing, Said::Nothing),
                   "first-progress"));
  }

  TEST_CASE("progress winds the deadline up and the total deadline stays") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kStream);
      while (peer.send("1\r\nx\r\n")) peer.pause(10);
    });
    http::Request request = kit::request_to(server.url());
    request.deadlines.between_ms = Milliseconds(100);
    request.deadlines.total_ms = Milliseconds(300);

    CHECK(contains(timeout_message(std::move(request), Milliseconds(300)),
                   "the total deadline of 300 ms passed"));
  }

  TEST_CASE("a silence within the answer meets the between-progress deadline") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kStream + "3\r\nabc\r\n");
      peer.wait_closed();
    });
    http::Request request = kit::request_to(server.url());
    request.deadlines.between_ms = Milliseconds(80);

    const std::string message = timeout_message(std::move(request), Milliseconds(80));
    CHECK(contains(message, "3 bytes of its body had come"));
    CHECK(contains(message, "between-progress deadline of 80 ms"));
  }

  TEST_CASE("a server that does not read the request meets the between-progress deadline") {
    raw::Server server([](raw::Peer& peer) { peer.pause(3000); });
    http::Request request = kit::post_to(server.url(), std::string(30 << 20, 'x'));
    request.deadlines.between_ms = Milliseconds(80);

    const std::string message = timeout_message(std::move(request), Milliseconds(80));
    CHECK(contains(message, "sending, "));
    CHECK(contains(message, "between-progress deadline of 80 ms"));
  }

  TEST_CASE("a slow reader of the request is not cut while it reads") {
    raw::Server server([](raw::Peer& peer) {
      std::size_t size = 0;
      while (size < (8 << 20)) {
        size += peer.read_some(1 << 20).size();
        peer.pause(10);
      }
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    http::Request request = kit::post_to(server.url(), std::string(8 << 20, 'x'));
    request.deadlines.between_ms = Milliseconds(500);

    CHECK(completed(exchange(std::move(request)).outcome).status == 200);
  }

  TEST_CASE("an address that swallows everything meets the connect deadline") {
    // A listener whose queue is full lets further connections hang.
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(listener, 0) == 0);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::vector<int> fillers;
    for (int i = 0; i < 4; ++i) {
      fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      std::ignore = ::connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
    }
    http::Request request =
        kit::request_to("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
    request.deadlines.connect_ms = Milliseconds(100);

    const std::string message = timeout_message(std::move(request), Milliseconds(100));
    CHECK(contains(message, "connecting to 127.0.0.1:"));
    CHECK(contains(message, "connect deadline of 100 ms"));
    for (int fd : fillers) ::close(fd);
    ::close(listener);
  }

  TEST_CASE("a closed port is a failed connection, not a timeout") {
    kit::Exchanged done = exchange(kit::request_to("http://127.0.0.1:1/"));

    CHECK(failure(done.outcome).kind == Failure::Kind::Connect);
    CHECK(contains(failure(done.outcome).message, "Connection refused"));
  }

  TEST_CASE("a receiver that says stop ends the exchange at once") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kStream + "3\r\nabc\r\n3\r\ndef\r\n");
      peer.wait_closed();
    });
    net::io_context io;
    http::Client client(io.get_executor(), {});
    kit::Recorder recorder;
    recorder.says = Said::Stop;

    kit::Exchanged done = exchange(io, client, kit::request_to(server.url()), std::move(recorder));

    CHECK(completed(done.outcome).stopped);
    CHECK(completed(done.outcome).body_bytes == 3);
    CHECK(done.recorder.body == "abc");
    CHECK(client.open_connections() == 0);
  }
}

// Cancels an exchange after `after_ms` and returns what it threw.
boost::system::error_code cancelled(net::io_context& io, http::Client& client,
                                    http::Request request, int after_ms) {
  kit::Recorder recorder;
  net::cancellation_signal signal;
  net::steady_timer timer(io, Milliseconds(after_ms));
  timer.async_wait([&](const auto&) { signal.emit(net::cancellation_type::terminal); });
  boost::system::error_code thrown;
  bool done = false;
  net::co_spawn(io, client.exchange(std::move(request), recorder),
                net::bind_cancellation_slot(
                    signal.slot(), [&](const std::exception_ptr& error, const kit::Outcome&) {
                      done = true;
                      try {
                        if (error) std::rethrow_exception(error);
                      } catch (const boost::system::system_error& aborted) {
                        thrown = aborted.code();
                      }
                    }));
  io.restart();
  while (!done && io.run_one_for(std::chrono::seconds(5)) > 0) {
  }
  REQUIRE(done);
  return thrown;
}

TEST_SUITE("http/cancel") {
  TEST_CASE("a cancelled exchange throws and leaves no connection, wherever it was") {
    net::io_context io;
    http::Client client(io.get_executor(), {});
    exchange(io, client, kit::request_to("http://127.0.0.1:1/"));  // opens what Asio keeps open
    const int fds = kit::open_fds();
    {
      raw::Server silent([](raw::Peer& peer) { peer.wait_closed(); });
      raw::Server deaf([](raw::Peer& peer) { peer.pause(3000); });
      raw::Server stream([](raw::Peer& peer) {
        peer.read_request();
        peer.send(kStream);
        while (peer.send("1\r\nx\r\n")) peer.pause(2);
      });
      http::Request requests[] = {
          kit::request_to(silent.url()),
          kit::post_to(deaf.url(), std::string(30 << 20, 'x')),
          kit::request_to(stream.url()),
          kit::request_to("https" + silent.url().substr(4)),
      };
      for (http::Request& request : requests)
        CHECK(cancelled(io, client, std::move(request), 50) == net::error::operation_aborted);
      CHECK(client.open_connections() == 0);
    }
    CHECK(kit::open_fds() == fds);
  }

  TEST_CASE("an io_context that ends before its exchanges leaks nothing") {
    raw::Server server([](raw::Peer& peer) { peer.wait_closed(); });
    kit::Recorder recorder;
    net::io_context io;
    http::Client client(io.get_executor(), {});
    for (int i = 0; i < 3; ++i)
      net::co_spawn(io, client.exchange(kit::request_to(server.url()), recorder),
                    [](const std::exception_ptr&, const kit::Outcome&) {});
    io.run_for(Milliseconds(50));

    CHECK(client.open_connections() == 3);
  }

  TEST_CASE("a client that ends before its exchanges lets them finish") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.pause(50);
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    kit::Recorder recorder;
    net::io_context io;
    int status = 0;
    {
      http::Client client(io.get_executor(), {});
      net::co_spawn(io, client.exchange(kit::request_to(server.url()), recorder),
                    [&](const std::exception_ptr&, const kit::Outcome& outcome) {
                      status = completed(outcome).status;
                    });
      io.run_for(Milliseconds(10));
    }
    io.run();

    CHECK(status == 200);
    CHECK(recorder.body == "hi");
  }
}

}  // namespace
