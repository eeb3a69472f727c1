#include "http/pool.h"

#include <doctest/doctest.h>

#include "tests/http/exchange_kit.h"
#include "tests/http/raw_server.h"

namespace {

namespace net = boost::asio;
using http::Failure;
using kit::exchange;
using kit::failure;

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST_SUITE("http/pool") {
  TEST_CASE("exchanges one after the other use one connection") {
    raw::Server server(raw::answer_all(kHello));
    net::io_context io;
    http::Client client(io.get_executor(), {});

    for (int i = 0; i < 5; ++i)
      CHECK(exchange(io, client, kit::post_to(server.url(), "x")).recorder.body == "hello");

    CHECK(server.accepted() == 1);
    CHECK(client.open_connections() == 1);
    client.close_idle();
    CHECK(client.open_connections() == 0);
  }

  TEST_CASE("a connection that must not be used again is closed") {
    const std::string answers[] = {
        kHello + "extra",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    };
    for (const std::string& answer : answers) {
      CAPTURE(answer);
      raw::Server server(raw::answer_all(answer));
      net::io_context io;
      http::Client client(io.get_executor(), {});

      CHECK(exchange(io, client, kit::request_to(server.url())).recorder.body == "hello");
      CHECK(client.open_connections() == 0);
      CHECK(exchange(io, client, kit::request_to(server.url())).recorder.body == "hello");
      CHECK(server.accepted() == 2);
    }
  }

  TEST_CASE("bytes that come while a connection is kept make it unusable") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kHello);
      peer.pause(20);
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
      peer.wait_closed();
    });
    net::io_context io;
    http::Client client(io.get_executor(), {});

    CHECK(exchange(io, client, kit::request_to(server.url())).recorder.body == "hello");
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    CHECK(exchange(io, client, kit::request_to(server.url())).recorder.body == "hello");
    CHECK(server.accepted() == 2);
  }

  TEST_CASE("a kept connection that the server closes on the request is replaced once") {
    // Every connection answers its first request and ends at its second.
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kHello);
      if (peer.index() % 2 == 0)
        peer.read_request();
      else
        peer.read_some(1);
      if (peer.index() > 1) peer.reset();
    });
    net::io_context io;
    http::Client client(io.get_executor(), {});

    for (int i = 0; i < 4; ++i)
      CHECK(exchange(io, client, kit::post_to(server.url(), "body")).recorder.body == "hello");

    CHECK(server.accepted() == 4);
  }

  TEST_CASE("what is sent again on a fresh connection is the whole request") {
    raw::Mailbox mailbox;
    raw::Server server([&](raw::Peer& peer) {
      mailbox.put(peer.read_request());
      peer.send(kHello);
      if (peer.index() == 0) mailbox.put(peer.read_request());
    });
    net::io_context io;
    http::Client client(io.get_executor(), {});
    http::Request request = kit::post_to(server.url(), "shared,");
    request.body_end = "own";

    for (int i = 0; i < 2; ++i) exchange(io, client, request);

    const std::vector<std::string> received = mailbox.all();
    REQUIRE(received.size() == 3);
    CHECK(received[0].ends_with("Content-Length: 10\r\n\r\nshared,own"));
    CHECK(received[1] == received[0]);
    CHECK(received[2] == received[0]);
    CHECK(server.accepted() == 2);
  }

  TEST_CASE("a fresh connection that is closed is not tried again") {
    raw::Server server([](raw::Peer& peer) { peer.read_request(); });

    kit::Exchanged done = exchange(kit::post_to(server.url(), "body"));

    CHECK(failure(done.outcome).kind == Failure::Kind::Closed);
    CHECK(server.accepted() == 1);
  }

  TEST_CASE("a kept connection that ends within an answer is not tried again") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kHello);
      peer.read_request();
      peer.send("H");
    });
    net::io_context io;
    http::Client client(io.get_executor(), {});

    CHECK(exchange(io, client, kit::request_to(server.url())).recorder.body == "hello");
    CHECK(failure(exchange(io, client, kit::request_to(server.url())).outcome).kind ==
          Failure::Kind::Cut);
    CHECK(server.accepted() == 1);
  }

  TEST_CASE("a kept connection that ends long after the request is not tried again") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_request();
      peer.send(kHello);
      peer.read_request();
      peer.pause(1300);
    });
    net::io_context io;
    http::Client client(io.get_executor(), {});

    CHECK(exchange(io, client, kit::request_to(server.url())).recorder.body == "hello");
    CHECK(failure(exchange(io, client, kit::request_to(server.url())).outcome).kind ==
          Failure::Kind::Closed);
    CHECK(server.accepted() == 1);
  }

  TEST_CASE("connections are kept for their time only") {
    raw::Server server(raw::answer_all(kHello));
    net::io_context io;
    http::ClientOptions options;
    options.idle_connection_ms = http::Milliseconds(20);
    http::Client client(io.get_executor(), options);

    exchange(io, client, kit::request_to(server.url()));
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    exchange(io, client, kit::request_to(server.url()));

    CHECK(server.accepted() == 2);
    CHECK(client.open_connections() == 1);
  }

  TEST_CASE("no more connections are kept than the limit says, the oldest goes first") {
    raw::Server first(raw::answer_all(kHello));
    raw::Server second(raw::answer_all(kHello));
    net::io_context io;
    http::ClientOptions options;
    options.idle_connections_max = 1;
    http::Client client(io.get_executor(), options);

    exchange(io, client, kit::request_to(first.url()));
    exchange(io, client, kit::request_to(second.url()));
    CHECK(client.open_connections() == 1);
    exchange(io, client, kit::request_to(second.url()));
    exchange(io, client, kit::request_to(first.url()));

    CHECK(second.accepted() == 1);
    CHECK(first.accepted() == 2);
  }
}

}  // namespace
