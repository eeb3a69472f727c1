#include <algorithm>
#include <stdexcept>

#include "http/exchange.h"
#include "http/syntax.h"
#include "text/words.h"

namespace http {

namespace {

// Whatever decides about the connection or where the message ends is set here alone, and content
// is not decoded, so none may be asked for.
bool is_set_by_client(std::string_view name) {
  const std::string lower = text::lower_ascii(name);
  constexpr std::string_view own[] = {
      "host", "content-length",  "connection", "transfer-encoding",  "expect", "upgrade",
      "te",   "accept-encoding", "trailer",    "proxy-authorization"};
  return std::find(std::begin(own), std::end(own), lower) != std::end(own);
}

}  // namespace

std::string request_head(const Request& request, const Proxy* proxy) {
  if (!is_token(request.method)) throw std::invalid_argument("the HTTP method is not a token");
  const Url& url = request.url;
  if (!url.target.starts_with('/')) throw std::invalid_argument("the request has no address");

  std::string head = request.method + " ";
  if (proxy) head += "http://" + url.authority;
  head += url.target + " HTTP/1.1\r\nHost: " + url.authority + "\r\nConnection: keep-alive\r\n";
  const std::size_t length = (request.body ? request.body->size() : 0) + request.body_end.size();
  if (request.body || length > 0 || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH")
    head += "Content-Length: " + std::to_string(length) + "\r\n";
  if (proxy && !proxy->authorization.empty())
    head += "Proxy-Authorization: " + proxy->authorization + "\r\n";
  for (const auto& [name, value] : request.fields) {
    if (!is_token(name))
      throw std::invalid_argument("a request field's name holds a character not allowed in HTTP");
    if (!is_field_value(value))
      throw std::invalid_argument("the value of the request field '" + name +
                                  "' holds a line end or another control character");
    if (is_set_by_client(name))
      throw std::invalid_argument("the request field '" + name + "' is set by the HTTP client");
    head.append(name).append(": ").append(value).append("\r\n");
  }
  head += "\r\n";
  return head;
}

}  // namespace http
