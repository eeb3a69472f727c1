#include "http/proxy.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/http/exchange_kit.h"
#include "tests/http/raw_server.h"

namespace {

using http::Failure;
using kit::completed;
using kit::contains;
using kit::exchange;
using kit::failure;

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST_SUITE("http/proxy") {
  TEST_CASE("the address of a proxy may be short, and its credentials are encoded") {
    const auto read = [](std::string_view text) {
      return std::get<http::Proxy>(http::read_proxy(text));
    };

    CHECK(read("proxy").name() == "proxy:80");
    CHECK(read("http://proxy:3128/").name() == "proxy:3128");
    CHECK(read("http://[::1]:3128").host == "::1");
    CHECK(read("proxy").authorization.empty());
    // base64 of "user:pass"
    CHECK(read("http://user:pass@proxy:3128").authorization == "Basic dXNlcjpwYXNz");
    CHECK(read("http://us%65r:p%61ss@proxy").authorization == "Basic dXNlcjpwYXNz");
  }

  TEST_CASE("a proxy that cannot be used is refused without showing its password") {
    for (const char* text : {"socks5://u:secret@proxy:1080", "https://u:secret@proxy",
                             "http://u:secret@:80", "http://u:secret@proxy:99999"}) {
      CAPTURE(text);
      const auto proxy = http::read_proxy(text);
      REQUIRE(std::holds_alternative<std::string>(proxy));
      CHECK_FALSE(contains(std::get<std::string>(proxy), "secret"));
      CHECK_THROWS_AS(http::ProxyRules(text, "", ""), std::runtime_error);
    }
  }

  TEST_CASE("the rules of NO_PROXY") {
    struct Case {
      const char* rules;
      const char* host;
      bool direct;
    };
    const Case cases[] = {
        {"", "a.com", false},
        {"*", "a.com", true},
        {"a.com", "a.com", true},
        {"A.Com", "a.com", true},
        {"a.com", "x.a.com", true},
        {"a.com", "ba.com", false},
        {".a.com", "x.a.com", true},
        {".a.com", "a.com", false},
        {" b.com , a.com ", "a.com", true},
        {"b.com,,c.com", "a.com", false},
        {"a.com:8000", "a.com", true},
        {"a.com:8001", "a.com", false},
        {".a.com:8000", "x.a.com", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.10", false},
        {"::1", "::1", true},
        {"[::1]", "::1", true},
        {"[::1]:8000", "::1", true},
        {"[::1]:8001", "::1", false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.rules);
      CAPTURE(c.host);
      CHECK(http::bypasses_proxy(c.rules, c.host, "8000") == c.direct);
    }
  }

  TEST_CASE("each scheme has its proxy") {
    const http::ProxyRules rules("http://p1:1", "http://p2:2", "direct");
    const auto proxy_of = [&](const char* address) {
      const auto url = std::get<http::Url>(http::read_url(address));
      const http::Proxy* proxy = rules.proxy_for(url);
      return proxy ? proxy->name() : "none";
    };

    CHECK(proxy_of("http://a/") == "p1:1");
    CHECK(proxy_of("https://a/") == "p2:2");
    CHECK(proxy_of("https://direct/") == "none");
  }

  TEST_CASE("a plain request goes to the proxy in absolute form with the credentials") {
    std::string received;
    raw::Server proxy([&](raw::Peer& peer) {
      received = peer.read_request();
      peer.send(kHello);
    });
    http::ClientOptions options;
    options.proxy_http = "http://user:pass@127.0.0.1:" + proxy.port();

    kit::Exchanged done = exchange(kit::request_to("http://model.test:8000/v1"), options);

    CHECK(completed(done.outcome).status == 200);
    CHECK(received ==
          "GET http://model.test:8000/v1 HTTP/1.1\r\nHost: model.test:8000\r\n"
          "Connection: keep-alive\r\n"
          "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n");
  }

  TEST_CASE("a host that NO_PROXY names is reached directly") {
    raw::Server server(raw::answer_once(kHello));
    http::ClientOptions options;
    options.proxy_http = "http://127.0.0.1:1";
    options.no_proxy = "127.0.0.1";

    CHECK(completed(exchange(kit::request_to(server.url()), options).outcome).status == 200);
  }

  TEST_CASE("a proxy that refuses the tunnel is named with its answer, not its password") {
    struct Case {
      const char* answer;
      const char* reason;
    };
    const Case cases[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 9999999\r\n\r\n", "407"},
        {"HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n", "302"},
        {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1"},
        {"HTTP/1.1 200 OK\r\n\r\nsurprise", "before anything was sent"},
        {"", "End of file"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.answer);
      raw::Mailbox mailbox;
      raw::Server proxy([&](raw::Peer& peer) {
        mailbox.put(peer.read_request());
        peer.send(c.answer);
      });
      http::ClientOptions options;
      options.proxy_https = "http://user:secret@127.0.0.1:" + proxy.port();
      http::Request request = kit::request_to("https://model.test/v1");
      request.fields = {{"Authorization", "Bearer key"}};

      kit::Exchanged done = exchange(std::move(request), options);

      CHECK(failure(done.outcome).kind == Failure::Kind::Proxy);
      CHECK(contains(failure(done.outcome).message, c.reason));
      CHECK(contains(failure(done.outcome).message, "127.0.0.1:" + proxy.port()));
      CHECK_FALSE(contains(failure(done.outcome).message, "secret"));
      const std::vector<std::string> received = mailbox.all();
      REQUIRE(received.size() == 1);
      CHECK(received[0].starts_with("CONNECT model.test:443 HTTP/1.1\r\nHost: model.test:443\r\n"));
      CHECK_FALSE(contains(received[0], "Bearer"));
    }
  }

  TEST_CASE("a proxy that never answers is left at the connect deadline") {
    raw::Server proxy([](raw::Peer& peer) { peer.wait_closed(); });
    http::ClientOptions options;
    options.proxy_https = "127.0.0.1:" + proxy.port();
    http::Request request = kit::request_to("https://model.test/");
    request.deadlines.connect_ms = http::Milliseconds(100);

    kit::Exchanged done = exchange(std::move(request), options);

    CHECK(failure(done.outcome).kind == Failure::Kind::Timeout);
    CHECK(contains(failure(done.outcome).message, "connect deadline of 100 ms"));
    CHECK(done.took < std::chrono::milliseconds(1100));
  }
}

}  // namespace
