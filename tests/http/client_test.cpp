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
