#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace http {

struct Url {
  bool tls = false;
  std::string host;       // without the brackets of an IPv6 address
  std::string port;       // "443", "80" or the one given
  std::string target;     // path and query, "/" at least
  std::string authority;  // host[:port] as it belongs into the Host field
};

// Reads http:// and https:// addresses. User names in it, fragments, blanks, control characters
// and other schemes are refused; the string says why.
std::variant<Url, std::string> read_url(std::string_view text);

// base + path with exactly one slash between them: ("http://h/v1/", "/models").
std::string join_url(std::string_view base, std::string_view path);

}  // namespace http
