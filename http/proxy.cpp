#include "http/proxy.h"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

#include "text/words.h"

namespace http {

namespace {

int hex_digit(char c) {
  const std::string_view digits = "0123456789abcdef";
  const std::size_t place = digits.find(c >= 'A' && c <= 'F' ? char(c - 'A' + 'a') : c);
  return place == std::string_view::npos ? -1 : int(place);
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      decoded += char(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string base64(std::string_view bytes) {
  std::string encoded(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock adds a NUL
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), int(bytes.size()));
  encoded.resize(std::size_t(length));
  return encoded;
}

std::optional<Proxy> proxy_of(std::string_view text, std::string_view variable) {
  if (text::trim(text).empty()) return std::nullopt;
  std::variant<Proxy, std::string> proxy = read_proxy(text::trim(text));
  if (const auto* problem = std::get_if<std::string>(&proxy))
    throw std::runtime_error("the proxy for " + std::string(variable) +
                             " addresses cannot be used: " + *problem);
  return std::get<Proxy>(std::move(proxy));
}

}  // namespace

std::variant<Proxy, std::string> read_proxy(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end != std::string_view::npos) {
    if (text::lower_ascii(text.substr(0, scheme_end)) != "http")
      return std::string("only http:// proxies are known, no SOCKS and no TLS to the proxy");
    text.remove_prefix(scheme_end + 3);
  }
  std::string_view rest = text.substr(0, text.find('/'));
  Proxy proxy;
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = rest.substr(0, at);
    const std::size_t colon = std::min(user.find(':'), user.size());
    const std::string pair = percent_decode(user.substr(0, colon)) + ":" +
                             percent_decode(user.substr(std::min(colon + 1, user.size())));
    proxy.authorization = "Basic " + base64(pair);
    rest.remove_prefix(at + 1);
  }
  const std::variant<Url, std::string> url = read_url("http://" + std::string(rest));
  if (std::holds_alternative<std::string>(url))
    return std::string("its host and port cannot be read");
  proxy.host = std::get<Url>(url).host;
  proxy.port = std::get<Url>(url).port;
  return proxy;
}

ProxyRules::ProxyRules(std::string_view proxy_http, std::string_view proxy_https,
                       std::string_view no_proxy)
    : http_(proxy_of(proxy_http, "http://")),
      https_(proxy_of(proxy_https, "https://")),
      no_proxy_(no_proxy) {}

const Proxy* ProxyRules::proxy_for(const Url& url) const {
  const std::optional<Proxy>& proxy = url.tls ? https_ : http_;
  if (!proxy || bypasses_proxy(no_proxy_, url.host, url.port)) return nullptr;
  return &*proxy;
}

bool bypasses_proxy(std::string_view rules, std::string_view host, std::string_view port) {
  while (!rules.empty()) {
    const std::size_t comma = std::min(rules.find(','), rules.size());
    std::string rule = text::lower_ascii(text::trim(rules.substr(0, comma)));
    rules.remove_prefix(std::min(comma + 1, rules.size()));
    if (rule.empty()) continue;
    if (rule == "*") return true;

    std::string rule_port;
    const std::size_t colon = rule.rfind(':');
    const bool bracketed = rule.front() == '[';
    // A bare IPv6 address has several colons and no port.
    if (colon != std::string::npos &&
        (bracketed ? colon > rule.find(']') : rule.find(':') == colon)) {
      rule_port = rule.substr(colon + 1);
      rule.resize(colon);
    }
    if (bracketed && rule.ends_with(']')) rule = rule.substr(1, rule.size() - 2);
    if (!rule_port.empty() && rule_port != port) continue;
    if (host == rule) return true;
    if (!rule.starts_with('.')) rule.insert(0, ".");
    if (host.size() > rule.size() && host.ends_with(rule)) return true;
  }
  return false;
}

}  // namespace http
