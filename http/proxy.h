#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http/url.h"

namespace http {

struct Proxy {
  std::string host;
  std::string port;
  std::string
      authorization;  // value of Proxy-Authorization, empty if none; never put into messages
  std::string name() const { return host + ":" + port; }
};

// Reads "http://user:password@host:port" as it stands in HTTP_PROXY; scheme, user and port (80)
// may be missing, the user and the password may be percent-encoded. The string says what is wrong
// without quoting the address, which may hold a password.
std::variant<Proxy, std::string> read_proxy(std::string_view text);

// Which proxy an address is reached through.
class ProxyRules {
 public:
  // Empty texts mean none. Throws std::runtime_error if one cannot be read.
  ProxyRules(std::string_view proxy_http, std::string_view proxy_https, std::string_view no_proxy);

  // Null: directly. The rules outlive the use.
  const Proxy* proxy_for(const Url& url) const;

 private:
  std::optional<Proxy> http_;
  std::optional<Proxy> https_;
  std::string no_proxy_;
};

// Whether one of the comma-separated rules takes host:port out of proxying: "*", "name" (and what
// is below it), ".suffix" (only what is below it), an IP address; each but "*" with ":port" too.
bool bypasses_proxy(std::string_view rules, std::string_view host, std::string_view port);

}  // namespace http
