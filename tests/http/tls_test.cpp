#include "http/tls.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/http/certificates.h"
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
const std::string kHello = kOk + "Content-Length: 5\r\n\r\nhello";

std::string https(const raw::Server& server, const std::string& host = "127.0.0.1") {
  return "https://" + host + ":" + server.port() + "/";
}

http::ClientOptions trusting(const raw::Authority& authority) {
  http::ClientOptions options;
  options.ca_file = authority.file();
  return options;
}

// Answers requests over TLS until the client goes.
raw::Script answer_tls(SSL_CTX* context, std::string bytes) {
  return [context, bytes = std::move(bytes)](raw::Peer& peer) {
    if (!peer.accept_tls(context)) return;
    while (!peer.read_request().empty() && peer.send(bytes)) {
    }
  };
}

TEST_SUITE("http/tls") {
  TEST_CASE("a certificate of a trusted authority for the right address is accepted") {
    const raw::Authority authority;
    const raw::Context context = authority.server("DNS:localhost,IP:127.0.0.1");
    raw::Server server(answer_tls(context.get(), kHello));
    net::io_context io;
    http::Client client(io.get_executor(), trusting(authority));

    for (const char* host : {"127.0.0.1", "localhost"})
      for (int i = 0; i < 2; ++i)
        CHECK(exchange(io, client, kit::post_to(https(server, host), "x")).recorder.body ==
              "hello");

    CHECK(server.accepted() == 2);  // one kept connection for each name
  }

  TEST_CASE("a certificate that does not fit is refused with the reason") {
    struct Case {
      const char* names;
      const char* host;
      long valid_s;
      const char* reason;
    };
    const Case cases[] = {
        {"DNS:other.test", "localhost", raw::kDay, "ostname mismatch"},
        {"DNS:localhost", "127.0.0.1", raw::kDay, "IP address mismatch"},
        {"IP:127.0.0.2", "127.0.0.1", raw::kDay, "IP address mismatch"},
        {"DNS:127.0.0.1", "127.0.0.1", raw::kDay, "IP address mismatch"},
        {"IP:127.0.0.1", "127.0.0.1", -raw::kDay, "expired"},
    };
    const raw::Authority authority;
    for (const Case& c : cases) {
      CAPTURE(c.names);
      const raw::Context context = authority.server(c.names, c.valid_s);
      std::string received;
      raw::Server server([&](raw::Peer& peer) {
        if (peer.accept_tls(context.get())) received = peer.read_some();
      });

      kit::Exchanged done = exchange(kit::request_to(https(server, c.host)), trusting(authority));

      CHECK(failure(done.outcome).kind == Failure::Kind::Tls);
      CAPTURE(failure(done.outcome).message);
      CHECK(contains(failure(done.outcome).message, c.reason));
      CHECK(received.empty());
    }
  }

  TEST_CASE("a certificate of an unknown authority is refused") {
    const raw::Authority known, unknown;
    const raw::Context context = unknown.server("IP:127.0.0.1");
    raw::Server server(answer_tls(context.get(), kHello));

    for (const http::ClientOptions& options : {trusting(known), http::ClientOptions()}) {
      kit::Exchanged done = exchange(kit::request_to(https(server)), options);
      CHECK(failure(done.outcome).kind == Failure::Kind::Tls);
      CHECK(contains(failure(done.outcome).message, "certificate"));
    }
  }

  TEST_CASE("TLS below 1.2 is refused") {
    const raw::Authority authority;
    const raw::Context context = authority.server("IP:127.0.0.1");
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    raw::Server server(answer_tls(context.get(), kHello));

    CHECK(failure(exchange(kit::request_to(https(server)), trusting(authority)).outcome).kind ==
          Failure::Kind::Tls);

    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    CHECK(exchange(kit::request_to(https(server)), trusting(authority)).recorder.body == "hello");
  }

  TEST_CASE("the server is told which name is wanted, but never an address") {
    const raw::Authority authority;
    const raw::Context context = authority.server("DNS:localhost,IP:127.0.0.1");
    std::string name;
    SSL_CTX_set_tlsext_servername_arg(context.get(), &name);
    SSL_CTX_set_tlsext_servername_callback(
        context.get(), +[](SSL* ssl, int*, void* wanted) {
          const char* given = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
          *static_cast<std::string*>(wanted) = given ? given : "none";
          return SSL_TLSEXT_ERR_OK;
        });
    raw::Server server(answer_tls(context.get(), kHello));

    exchange(kit::request_to(https(server, "localhost")), trusting(authority));
    CHECK(name == "localhost");
    exchange(kit::request_to(https(server)), trusting(authority));
    CHECK(name == "none");
  }

  TEST_CASE("a body that ends with the stream is complete only after close_notify") {
    const raw::Authority authority;
    const raw::Context context = authority.server("IP:127.0.0.1");
    raw::Server server([&](raw::Peer& peer) {
      if (!peer.accept_tls(context.get())) return;
      peer.read_request();
      peer.send(kOk + "\r\nabc");
      if (peer.index() == 0) peer.close_notify();
    });
    net::io_context io;
    http::Client client(io.get_executor(), trusting(authority));

    CHECK(completed(exchange(io, client, kit::request_to(https(server))).outcome).until_close);
    kit::Exchanged cut = exchange(io, client, kit::request_to(https(server)));
    CHECK(failure(cut.outcome).kind == Failure::Kind::Cut);
    CHECK(cut.recorder.body == "abc");
  }

  TEST_CASE("a missing close_notify after a whole answer is no matter") {
    const raw::Authority authority;
    const raw::Context context = authority.server("IP:127.0.0.1");
    raw::Server server([&](raw::Peer& peer) {
      if (!peer.accept_tls(context.get())) return;
      peer.read_request();
      peer.send(kHello);
    });

    CHECK(exchange(kit::request_to(https(server)), trusting(authority)).recorder.body == "hello");
  }

  TEST_CASE("a handshake that is cut, answered in plain text or never answered fails") {
    const raw::Authority authority;
    raw::Server cut([](raw::Peer& peer) { peer.read_some(10); });
    raw::Server plain([](raw::Peer& peer) {
      peer.read_some();
      peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    raw::Server silent([](raw::Peer& peer) { peer.wait_closed(); });

    for (const raw::Server* server : {&cut, &plain}) {
      kit::Exchanged done = exchange(kit::request_to(https(*server)), trusting(authority));
      CHECK(failure(done.outcome).kind == Failure::Kind::Tls);
    }
    http::Request request = kit::request_to(https(silent));
    request.deadlines.connect_ms = http::Milliseconds(80);
    kit::Exchanged done = exchange(std::move(request), trusting(authority));
    CHECK(failure(done.outcome).kind == Failure::Kind::Timeout);
    CHECK(contains(failure(done.outcome).message, "TLS handshake"));
    CHECK(contains(failure(done.outcome).message, "connect deadline of 80 ms"));
    CHECK(done.took < std::chrono::milliseconds(1080));
  }

  TEST_CASE("large bodies go both ways over TLS") {
    const raw::Authority authority;
    const raw::Context context = authority.server("IP:127.0.0.1");
    std::string body;
    while (body.size() < (3 << 20)) body += std::to_string(body.size()) + ",";
    raw::Server server([&](raw::Peer& peer) {
      if (!peer.accept_tls(context.get())) return;
      const std::string request = peer.read_request();
      const std::string back = request.substr(request.find("\r\n\r\n") + 4);
      peer.send(kOk + "Content-Length: " + std::to_string(back.size()) + "\r\n\r\n" + back);
      peer.wait_closed();
    });

    http::Request request = kit::post_to(https(server), body);
    request.body_end = "end";

    kit::Exchanged done = exchange(std::move(request), trusting(authority));

    CHECK(completed(done.outcome).status == 200);
    CHECK(done.recorder.body == body + "end");
  }

  TEST_CASE("a tunnel through a proxy carries TLS to the named host") {
    const raw::Authority authority;
    const raw::Context context = authority.server("DNS:model.test");
    std::string received;
    raw::Server proxy([&](raw::Peer& peer) {
      // The proxy and the host behind it in one.
      peer.read_request();
      peer.send("HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n");
      if (!peer.accept_tls(context.get())) return;
      while (!(received = peer.read_request()).empty() && peer.send(kHello)) {
      }
    });
    net::io_context io;
    http::ClientOptions options = trusting(authority);
    options.proxy_https = "http://user:secret@127.0.0.1:" + proxy.port();
    http::Client client(io.get_executor(), options);

    for (int i = 0; i < 2; ++i) {
      kit::Exchanged done = exchange(io, client, kit::request_to("https://model.test/v1"));
      CHECK(done.recorder.body == "hello");
      CHECK(received.starts_with("GET /v1 HTTP/1.1\r\nHost: model.test\r\n"));
      CHECK_FALSE(contains(received, "Proxy-Authorization"));
    }
    CHECK(proxy.accepted() == 1);
  }

  TEST_CASE("a file of trusted certificates that cannot be read is named") {
    http::ClientOptions options;
    options.ca_file = "/nonexistent/ca.pem";
    net::io_context io;
    std::string message;
    try {
      http::Client client(io.get_executor(), options);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }

    CHECK(contains(message, "/nonexistent/ca.pem"));
  }
}

}  // namespace
