#include "http/url.h"

#include <arpa/inet.h>

#include <algorithm>

#include "text/words.h"

namespace http {

namespace {

constexpr std::size_t kUrlBytesMax = 8192;
constexpr std::size_t kHostBytesMax = 253;  // RFC 1035, section 3.1, without the last dot

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

// Names of DNS, and the underscore that container networks put into theirs.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostBytesMax) return false;
  if (host.front() == '.' || host.back() == '.' || host.find("..") != std::string_view::npos)
    return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_';
  });
}

bool is_ipv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// 1 to 65535 in decimal digits; empty if it is not.
std::string read_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return {};
  int port = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return {};
    port = port * 10 + (c - '0');
  }
  return port >= 1 && port <= 65535 ? std::to_string(port) : std::string();
}

// Fills host and port from "host", "host:port" or "[address]:port"; the string says what is wrong.
std::string read_authority(std::string_view authority, Url& url) {
  std::string_view rest;
  const bool bracketed = authority.starts_with('[');
  if (bracketed) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return "the bracket of its address is not closed";
    url.host = text::lower_ascii(authority.substr(1, end - 1));
    if (!is_ipv6(url.host)) return "what stands in brackets is not an IPv6 address";
    rest = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = text::lower_ascii(authority.substr(0, colon));
    if (!is_host_name(url.host)) return "it has no valid host name";
    rest = authority.substr(colon);
  }
  const std::string default_port = url.tls ? "443" : "80";
  url.port = default_port;
  if (!rest.empty()) {
    if (rest.front() != ':') return "something follows the bracket that is not a port";
    url.port = read_port(rest.substr(1));
    if (url.port.empty()) return "its port is not a number from 1 to 65535";
  }
  url.authority = bracketed ? "[" + url.host + "]" : url.host;
  if (url.port != default_port) url.authority += ":" + url.port;
  return {};
}

}  // namespace

std::variant<Url, std::string> read_url(std::string_view text) {
  if (text.size() > kUrlBytesMax)
    return "the address is longer than " + std::to_string(kUrlBytesMax) + " bytes";
  // The text itself stays out of the message until it is known to hold no password.
  if (!std::all_of(text.begin(), text.end(), is_visible))
    return "the address holds a blank, a control character or a letter outside ASCII";

  Url url;
  std::string_view rest;
  const std::string lower = text::lower_ascii(text.substr(0, 8));
  if (lower.starts_with("https://")) {
    url.tls = true;
    rest = text.substr(8);
  } else if (lower.starts_with("http://")) {
    rest = text.substr(7);
  } else {
    return std::string("the address does not begin with http:// or https://");
  }
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos)
    return std::string("the address holds a user name; keys belong into the configuration");
  if (rest.find('#') != std::string_view::npos)
    return "the address '" + std::string(text) + "' has a fragment (#)";
  if (std::string problem = read_authority(authority, url); !problem.empty())
    return "the address '" + std::string(text) + "' cannot be used: " + problem;
  url.target = std::string(rest.substr(end));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

std::string join_url(std::string_view base, std::string_view path) {
  while (base.ends_with('/')) base.remove_suffix(1);
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string joined(base);
  joined += '/';
  joined += path;
  return joined;
}

}  // namespace http
