#include "http/url.h"

#include <doctest/doctest.h>

namespace {

http::Url accepted(std::string_view text) {
  std::variant<http::Url, std::string> url = http::read_url(text);
  CAPTURE(text);
  if (const auto* problem = std::get_if<std::string>(&url)) FAIL(*problem);
  return std::get<http::Url>(url);
}

TEST_SUITE("http/url") {
  TEST_CASE("an address is taken apart") {
    const http::Url url = accepted("https://Api.Example.com:8443/v1/models?x=1");

    CHECK(url.tls);
    CHECK(url.host == "api.example.com");
    CHECK(url.port == "8443");
    CHECK(url.target == "/v1/models?x=1");
    CHECK(url.authority == "api.example.com:8443");
  }

  TEST_CASE("the default port is filled in and stays out of the Host field") {
    CHECK(accepted("http://h").port == "80");
    CHECK(accepted("https://h").port == "443");
    CHECK(accepted("https://h:443/").authority == "h");
    CHECK(accepted("http://h:443/").authority == "h:443");
  }

  TEST_CASE("an empty path becomes a slash") {
    CHECK(accepted("http://h").target == "/");
    CHECK(accepted("http://h?q=1").target == "/?q=1");
  }

  TEST_CASE("an IPv6 address keeps its brackets in the Host field only") {
    const http::Url url = accepted("http://[::1]:8000/x");

    CHECK(url.host == "::1");
    CHECK(url.authority == "[::1]:8000");
  }

  TEST_CASE("what is not a plain http address is refused with the reason") {
    struct Case {
      std::string text;
      std::string reason;
    };
    const Case cases[] = {
        {"", "http://"},
        {"ftp://h/", "http://"},
        {"localhost:8000", "http://"},
        {"http://", "host name"},
        {"http:///x", "host name"},
        {"http://a..b/", "host name"},
        {"http://.a/", "host name"},
        {"http://a./", "host name"},
        {"http://a%41/", "host name"},
        {"http://h:/", "port"},
        {"http://h:0/", "port"},
        {"http://h:65536/", "port"},
        {"http://h:80x/", "port"},
        {"http://h:+80/", "port"},
        {"http://[::1/", "bracket"},
        {"http://[::g]/", "IPv6"},
        {"http://[::1]x/", "bracket"},
        {"http://user:secret@h/", "user name"},
        {"http://h/#part", "fragment"},
        {"http://h/a b", "blank"},
        {"http://h/a\r\nX: y", "control"},
        {"http://h/\xC3\xA9", "ASCII"},
        {"http://h/" + std::string(9000, 'a'), "longer"},
        {"http://" + std::string(254, 'a') + "/", "host name"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      const std::variant<http::Url, std::string> url = http::read_url(c.text);
      REQUIRE(std::holds_alternative<std::string>(url));
      CHECK(std::get<std::string>(url).find(c.reason) != std::string::npos);
      CHECK(std::get<std::string>(url).find("secret") == std::string::npos);
    }
  }

  TEST_CASE("joining leaves exactly one slash") {
    for (const char* base : {"http://h/v1", "http://h/v1/", "http://h/v1//"})
      for (const char* path : {"models", "/models", "//models"})
        CHECK(http::join_url(base, path) == "http://h/v1/models");
  }
}

}  // namespace
