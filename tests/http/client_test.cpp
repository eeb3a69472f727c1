#include "http/client.h"

#include <doctest/doctest.h>

#include "tests/http/exchange_kit.h"
#include "tests/http/raw_server.h"

namespace {

namespace net = boost::asio;
using kit::completed;
using kit::exchange;

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST_SUITE("http/client") {
  TEST_CASE("a request is sent as written and its answer comes back") {
    std::string received;
    raw::Server server([&](raw::Peer& peer) {
      received = peer.read_request();
      peer.send("HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-Id: 7\r\n\r\nhello");
    });
    http::Request request = kit::post_to(server.url("/v1?x=1"), "body");
    request.fields = {{"Authorization", "Bearer k"}};

    kit::Exchanged done = exchange(std::move(request));

    CHECK(completed(done.outcome).status == 201);
    CHECK(completed(done.outcome).body_bytes == 5);
    CHECK_FALSE(completed(done.outcome).until_close);
    CHECK(done.recorder.body == "hello");
    REQUIRE(done.recorder.heads.size() == 1);
    CHECK(done.recorder.heads[0].field("x-ID") == "7");
    CHECK(received == "POST /v1?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + server.port() +
                          "\r\nConnection: keep-alive\r\nContent-Length: 4\r\n"
                          "Authorization: Bearer k\r\n\r\nbody");
  }

  TEST_CASE("the end of a body follows the shared part, and both are counted") {
    std::string received;
    raw::Server server([&](raw::Peer& peer) {
      received = peer.read_request();
      peer.send(kHello);
    });
    http::Request request = kit::post_to(server.url(), "shared,");
    request.body_end = "own";

    CHECK(completed(exchange(request).outcome).status == 200);
    CHECK(received.ends_with("\r\nContent-Length: 10\r\n\r\nshared,own"));

    request.body.reset();
    CHECK(completed(exchange(request).outcome).status == 200);
    CHECK(received.ends_with("\r\nContent-Length: 3\r\n\r\nown"));
  }

  TEST_CASE("a body too large for one write arrives whole, and its end behind it") {
    std::string large;
    while (large.size() < (8 << 20)) large += std::to_string(large.size()) + ",";
    std::string received;
    raw::Server server([&](raw::Peer& peer) {
      peer.pause(20);  // the kernel's buffers fill up meanwhile
      received = peer.read_request();
      peer.send(kHello);
    });
    http::Request request = kit::post_to(server.url(), large);
    request.body_end = "end";

    CHECK(completed(exchange(std::move(request)).outcome).status == 200);
    CHECK(received.substr(received.find("\r\n\r\n") + 4) == large + "end");
  }

  TEST_CASE("a body is let go as soon as it is sent, before any answer") {
    std::weak_ptr<const std::string> body;
    bool let_go = false;
    raw::Server server([&](raw::Peer& peer) {
      peer.read_request();
      for (int ms = 0; ms < 2000 && !body.expired(); ++ms) peer.pause(1);
      let_go = body.expired();
      peer.send(kHello);
    });
    http::Request request = kit::post_to(server.url(), std::string(1000, 'x'));
    request.body_end = "end";
    body = request.body;
    REQUIRE_FALSE(body.expired());

    CHECK(completed(exchange(std::move(request)).outcome).status == 200);
    CHECK(let_go);
  }

  TEST_CASE("fetch gives the whole answer at once") {
    raw::Server server(raw::answer_once(kHello));
    net::io_context io;
    http::Client client(io.get_executor(), {});

    const auto answer = kit::run(io, http::fetch(client, kit::request_to(server.url())));

    REQUIRE(std::holds_alternative<http::Response>(answer));
    CHECK(std::get<http::Response>(answer).head.status == 200);
    CHECK(std::get<http::Response>(answer).body == "hello");
  }
}

}  // namespace
