#include "http/client.h"

#include <utility>

#include "http/exchange.h"
#include "text/words.h"

namespace http {

std::string_view ResponseHead::field(std::string_view name) const {
  const std::string wanted = text::lower_ascii(name);
  for (const auto& [known, value] : fields)
    if (text::lower_ascii(known) == wanted) return value;
  return {};
}

std::string_view to_text(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::Resolve:
      return "resolve";
    case Failure::Kind::Connect:
      return "connect";
    case Failure::Kind::Tls:
      return "tls";
    case Failure::Kind::Proxy:
      return "proxy";
    case Failure::Kind::Send:
      return "send";
    case Failure::Kind::Closed:
      return "closed";
    case Failure::Kind::Cut:
      return "cut";
    case Failure::Kind::Malformed:
      return "malformed";
    case Failure::Kind::TooLarge:
      return "too large";
    case Failure::Kind::Timeout:
      return "timeout";
  }
  return "";
}

class Client::Impl : public ClientState {
 public:
  using ClientState::ClientState;
};

Client::Client(net::any_io_executor executor, ClientOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}

Client::~Client() { impl_->pool.clear(); }

net::awaitable<std::variant<Completed, Failure>> Client::exchange(Request request,
                                                                  Receiver& receiver) {
  return run_exchange(impl_, std::move(request), receiver);
}

std::size_t Client::open_connections() const { return *impl_->connections; }
void Client::close_idle() { impl_->pool.clear(); }

namespace {

// Keeps all of an answer.
class Collector : public Receiver {
 public:
  Said head(const ResponseHead& head) override {
    response.head = head;
    return Said::Progress;
  }
  Said data(std::string_view bytes) override {
    response.body += bytes;
    return Said::Progress;
  }
  Response response;
};

}  // namespace

net::awaitable<std::variant<Response, Failure>> fetch(Client& client, Request request) {
  Collector collector;
  std::variant<Completed, Failure> outcome =
      co_await client.exchange(std::move(request), collector);
  if (auto* failure = std::get_if<Failure>(&outcome)) co_return std::move(*failure);
  co_return std::move(collector.response);
}

}  // namespace http
