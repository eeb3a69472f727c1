#include <doctest/doctest.h>

#include "tests/http/exchange_kit.h"
#include "tests/http/raw_server.h"

namespace {

namespace net = boost::asio;
using http::Failure;
using kit::completed;
using kit::contains;
using kit::exchange;
using kit::failure;

const std::string kOk = "HTTP/1.1 200 OK\r\n";

// About 2 kB: forty events of a stream, each a chunk of its own.
std::string chunked_stream() {
  std::string stream = kOk + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 40; ++i)
    stream += "2a\r\ndata: {\"text\": \"a piece of an answer !\"}\n\n\r\n";
  return stream + "0\r\n\r\n";
}

TEST_SUITE("http/framing") {
  TEST_CASE("a stream cut at any byte is never complete") {
    const std::string stream = chunked_stream();
    REQUIRE(stream.size() > 1900);
    raw::Server server([&](raw::Peer& peer) {
      peer.read_request();
      peer.send(std::string_view(stream).substr(0, std::size_t(peer.index())));
    });
    net::io_context io;
    http::Client client(io.get_executor(), {});
    for (std::size_t cut = 0; cut < stream.size(); ++cut) {
      kit::Exchanged done = exchange(io, client, kit::request_to(server.url()));
      CAPTURE(cut);
      const Failure::Kind kind = failure(done.outcome).kind;
      REQUIRE(kind == (cut == 0 ? Failure::Kind::Closed : Failure::Kind::Cut));
    }
    CHECK(completed(exchange(io, client, kit::request_to(server.url())).outcome).body_bytes ==
          40 * 42);
    CHECK(client.open_connections() <= 1);
  }

  TEST_CASE("a reset is never complete, not even of a body that ends with its stream") {
    for (const char* framing : {"", "Content-Length: 9\r\n", "Transfer-Encoding: chunked\r\n"}) {
      CAPTURE(framing);
      raw::Server server([&](raw::Peer& peer) {
        peer.read_request();
        peer.send(kOk + framing + "\r\n3\r\nabc");
        peer.pause(30);
        peer.reset();
      });

      kit::Exchanged done = exchange(kit::request_to(server.url()));

      CHECK(failure(done.outcome).kind == Failure::Kind::Cut);
      CHECK(contains(failure(done.outcome).message, "reset"));
    }
  }

  TEST_CASE("a body shorter than announced is cut, with both lengths in the message") {
    raw::Server server(raw::answer_once(kOk + "Content-Length: 10\r\n\r\nabc"));

    kit::Exchanged done = exchange(kit::request_to(server.url()));

    CHECK(failure(done.outcome).kind == Failure::Kind::Cut);
    CHECK(contains(failure(done.outcome).message, "3 of 10 bytes"));
    CHECK(done.recorder.body == "abc");
  }

  TEST_CASE("a body that ends with the TCP stream is complete and flagged") {
    raw::Server server(raw::answer_once(kOk + "\r\nabc"));

    kit::Exchanged done = exchange(kit::request_to(server.url()));

    CHECK(completed(done.outcome).until_close);
    CHECK(completed(done.outcome).body_bytes == 3);
  }

  TEST_CASE("a malformed answer says what is wrong with it and where it came from") {
    raw::Server server(raw::answer_once("SSH-2.0-OpenSSH_9.2\r\n"));
    http::Request request = kit::request_to(server.url("/v1/chat?key=secret"));
    request.fields = {{"Authorization", "Bearer secret"}};

    kit::Exchanged done = exchange(std::move(request));

    CHECK(failure(done.outcome).kind == Failure::Kind::Malformed);
    CHECK(failure(done.outcome).message ==
          "GET " + server.url("/v1/chat") +
              ": reading the answer: the first line is not one of HTTP/1.0 or HTTP/1.1");
  }

  TEST_CASE("limits end the exchange and close the connection") {
    const std::string endless[] = {
        kOk + std::string(70'000, 'x'),
        kOk + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(2000, 'x'),
        kOk + "Content-Length: 1001\r\n\r\n",
        kOk + "\r\n" + std::string(1001, 'x'),
    };
    for (const std::string& bytes : endless) {
      raw::Server server([&](raw::Peer& peer) {
        peer.read_request();
        peer.send(bytes);
        peer.wait_closed();
      });
      http::Request request = kit::request_to(server.url());
      request.body_bytes_max = 1000;
      net::io_context io;
      http::Client client(io.get_executor(), {});

      kit::Exchanged done = exchange(io, client, std::move(request));

      CHECK(failure(done.outcome).kind == Failure::Kind::TooLarge);
      CHECK(client.open_connections() == 0);
    }
  }

  TEST_CASE("redirects and errors are ordinary answers") {
    for (const char* status : {"302 Found", "404 Not Found", "429 Too Many Requests", "503 Busy"}) {
      raw::Server server(raw::answer_once("HTTP/1.1 " + std::string(status) +
                                          "\r\nLocation: http://127.0.0.1:1/\r\n"
                                          "Content-Length: 2\r\n\r\nno"));

      kit::Exchanged done = exchange(kit::request_to(server.url()));

      CHECK(completed(done.outcome).status == std::stoi(status));
      CHECK(done.recorder.body == "no");
      CHECK(server.accepted() == 1);
    }
  }

  TEST_CASE("HTTP/1.0 and an answer to HEAD are read to their end") {
    raw::Server old(raw::answer_once("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    CHECK(exchange(kit::request_to(old.url())).recorder.body == "hi");

    raw::Server server(raw::answer_all(kOk + "Content-Length: 5\r\n\r\n"));
    http::Request request = kit::request_to(server.url());
    request.method = "HEAD";
    CHECK(completed(exchange(std::move(request)).outcome).body_bytes == 0);
  }

  TEST_CASE("an answer that comes before the request is sent ends the sending") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_some(1000);
      peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
      peer.pause(3000);
    });
    net::io_context io;
    http::Client client(io.get_executor(), {});

    kit::Exchanged done =
        exchange(io, client, kit::post_to(server.url(), std::string(30 << 20, 'x')));

    CHECK(completed(done.outcome).status == 413);
    CHECK(done.recorder.body == "no");
    CHECK(done.took < std::chrono::seconds(2));
    CHECK(client.open_connections() == 0);
  }

  TEST_CASE("a server that resets while the request is sent is a failed sending") {
    raw::Server server([](raw::Peer& peer) {
      peer.read_some(1000);
      peer.reset();
    });

    kit::Exchanged done = exchange(kit::post_to(server.url(), std::string(30 << 20, 'x')));

    CHECK(failure(done.outcome).kind == Failure::Kind::Send);
    CHECK(contains(failure(done.outcome).message, "of 31457"));
  }

  TEST_CASE("a large body arrives whole") {
    std::string received;
    raw::Server server([&](raw::Peer& peer) {
      received = peer.read_request();
      peer.send(kOk + "Content-Length: 0\r\n\r\n");
    });
    std::string body;
    while (body.size() < (5 << 20)) body += std::to_string(body.size()) + ",";

    CHECK(completed(exchange(kit::post_to(server.url(), body)).outcome).status == 200);
    CHECK(received.ends_with("\r\n\r\n" + body));
  }

  TEST_CASE("a request that is not HTTP is refused without its values") {
    const auto refused = [](http::Fields fields) {
      http::Request request = kit::request_to("http://127.0.0.1:1/");
      request.fields = std::move(fields);
      std::string message;
      try {
        exchange(std::move(request));
      } catch (const std::invalid_argument& error) {
        message = error.what();
      }
      return message;
    };

    CHECK(contains(refused({{"Authorization", "Bearer secret\r\nX: 1"}}), "'Authorization'"));
    CHECK_FALSE(contains(refused({{"Authorization", "Bearer secret\n"}}), "secret"));
    CHECK(contains(refused({{"X Y", "1"}}), "name"));
    CHECK(contains(refused({{"content-length", "1"}}), "set by the HTTP client"));
    CHECK(contains(refused({{"Accept-Encoding", "gzip"}}), "set by the HTTP client"));
  }
}

}  // namespace
