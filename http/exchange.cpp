#include "http/exchange.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <span>

#include "http/response_parser.h"

namespace http {

namespace {

using boost::system::error_code;
using Outcome = std::variant<Completed, Failure>;

// A kept connection that the server had closed shows that within a round trip of our sending.
// Later it has died of something else, perhaps of our request, and that is told to the caller.
constexpr Milliseconds kStaleWindow{1000};
// A stream whose bytes come faster than they are read lets the others have a turn.
constexpr int kReadsBeforeYield = 16;

struct Outgoing {
  std::string head;
  std::shared_ptr<const std::string> body;
  std::string body_end;

  using Parts = std::array<std::string_view, 3>;
  Parts parts() const { return {head, body ? *body : std::string_view(), body_end}; }
};

// Takes the first `bytes` off `parts`, which the first that is not empty then leads.
void take_off(std::span<std::string_view>& parts, std::size_t bytes) {
  while (!parts.empty() && bytes >= parts.front().size()) {
    bytes -= parts.front().size();
    parts = parts.subspan(1);
  }
  if (!parts.empty()) parts.front().remove_prefix(bytes);
}

class Exchange {
 public:
  Exchange(std::shared_ptr<ClientState> state, Request request, Receiver& receiver);
  net::awaitable<Outcome> run();

 private:
  net::awaitable<void> attempt();
  net::awaitable<void> send(std::shared_ptr<const Outgoing> outgoing);
  net::awaitable<error_code> send_parts(std::span<std::string_view> parts);
  net::awaitable<void> receive();
  error_code read_once();
  void take(std::string_view bytes);
  void take_event(ResponseParser::Event event);
  void heed(Receiver::Said said);
  void finish_stream(const error_code& error);
  void complete(std::size_t bytes_left);
  void fail(Failure::Kind kind, std::string what);
  void end_by(const error_code& error, Failure::Kind kind, const std::string& what);
  bool is_stale() const;

  std::shared_ptr<ClientState> state_;
  Receiver& receiver_;
  const Url url_;
  const Deadlines limits_;
  const ResponseParser::Request asked_;
  const ResponseParser::Limits parser_limits_;
  std::string name_;    // "POST http://host/path through proxy p:80", for messages
  std::string origin_;  // of the pool
  std::weak_ptr<const Outgoing> outgoing_;
  std::unique_ptr<Connection> connection_;
  Deadline deadline_;  // after the connection: it guards it
  std::optional<ResponseParser> parser_;
  std::optional<Outcome> outcome_;
  std::size_t sent_bytes_ = 0;
  std::size_t received_bytes_ = 0;  // of the answer, head and all
  std::size_t body_bytes_ = 0;
  bool reused_ = false;    // the connection was a kept one
  bool reusable_ = false;  // and may be kept again
  bool sent_all_ = false;
  bool has_head_ = false;
  bool progressed_ = false;
  Connection::Want want_ = Connection::Want::Read;  // what the last read waits for
};

// Without the query, which may hold a key.
std::string name_of(const Request& request, const Proxy* proxy) {
  const Url& url = request.url;
  return request.method + (url.tls ? " https://" : " http://") + url.authority +
         url.target.substr(0, url.target.find('?')) +
         (proxy ? " through proxy " + proxy->name() : "");
}

Exchange::Exchange(std::shared_ptr<ClientState> state, Request request, Receiver& receiver)
    : state_(std::move(state)),
      receiver_(receiver),
      url_(request.url),
      limits_(request.deadlines),
      asked_(request.method == "HEAD" ? ResponseParser::Request::Head
                                      : ResponseParser::Request::Ordinary),
      parser_limits_{state_->options.header_bytes_max, request.body_bytes_max},
      deadline_(state_->executor, request.deadlines.total_ms) {
  const Proxy* proxy = state_->proxies.proxy_for(url_);
  name_ = name_of(request, proxy);
  origin_ = (url_.tls ? "https://" : "http://") + url_.host + ":" + url_.port +
            (proxy ? " " + proxy->name() : "");
  auto outgoing = std::make_shared<Outgoing>();
  outgoing->head = request_head(request, url_.tls ? nullptr : proxy);
  outgoing->body = std::move(request.body);
  outgoing->body_end = std::move(request.body_end);
  outgoing_ = outgoing;
  deadline_.hold(std::move(outgoing), Milliseconds::max());
}

void Exchange::fail(Failure::Kind kind, std::string what) {
  outcome_ = Failure{kind, name_ + ": " + std::move(what)};
}

// A wait or a call on the connection ended with `error` while doing `what`.
void Exchange::end_by(const error_code& error, Failure::Kind kind, const std::string& what) {
  if (deadline_.expired())
    return fail(Failure::Kind::Timeout, what + ": the " + deadline_.name() + " passed");
  if (error == net::error::operation_aborted) throw boost::system::system_error(error);
  fail(kind, what + ": " + error.message());
}

bool Exchange::is_stale() const {
  const Failure* failure = outcome_ ? std::get_if<Failure>(&*outcome_) : nullptr;
  return reused_ && failure && received_bytes_ == 0 && !outgoing_.expired() &&
         (failure->kind == Failure::Kind::Send || failure->kind == Failure::Kind::Closed);
}

net::awaitable<Outcome> Exchange::run() {
  connection_ = state_->pool.take(origin_);
  reused_ = connection_ != nullptr;
  co_await attempt();
  if (is_stale()) {
    outcome_.reset();
    deadline_.guard(nullptr);
    connection_.reset();
    reused_ = false;
    co_await attempt();
  }
  deadline_.guard(nullptr);
  if (reusable_) state_->pool.keep(origin_, std::move(connection_));
  co_return std::move(*outcome_);
}

net::awaitable<void> Exchange::attempt() {
  deadline_.begin(Deadline::Phase::Connect, limits_.connect_ms);
  if (!connection_) {
    connection_ = std::make_unique<Connection>(state_->executor, state_->connections);
    deadline_.guard(connection_.get());
    const std::optional<Failure> failed = co_await dial(*state_, *connection_, deadline_, url_);
    if (failed) {
      fail(failed->kind, failed->message);
      co_return;
    }
  }
  deadline_.guard(connection_.get());
  parser_.emplace(asked_, parser_limits_);
  sent_bytes_ = 0;
  sent_all_ = false;
  co_await send(outgoing_.lock());
  if (!outcome_) co_await receive();
}

net::awaitable<void> Exchange::send(std::shared_ptr<const Outgoing> outgoing) {
  Outgoing::Parts parts = outgoing->parts();
  std::size_t total = 0;
  for (const std::string_view part : parts) total += part.size();
  deadline_.begin(Deadline::Phase::Send, limits_.between_ms);
  const std::span<std::string_view> unsent = parts;
  const error_code error = co_await send_parts(unsent);
  sent_all_ = sent_bytes_ == total;
  if (outcome_) co_return;
  if (error) {
    // The server may have refused the request and said why before it closed.
    while (!outcome_ && !deadline_.expired() && !has_head_ && !read_once()) {
    }
    if (!outcome_ && !has_head_)
      end_by(error, Failure::Kind::Send,
             "sending, " + std::to_string(sent_bytes_) + " of " + std::to_string(total) +
                 " bytes were taken");
    if (outcome_) co_return;
  }
  if (reused_ && received_bytes_ == 0)
    deadline_.hold(std::move(outgoing), kStaleWindow);
  else
    deadline_.let_go();
  if (!progressed_) deadline_.begin(Deadline::Phase::First, limits_.first_ms);
}

// All parts go in one write where they can: one call of the system, and one packet for small ones.
// Returns early without an error when the answer has come before all is sent.
net::awaitable<error_code> Exchange::send_parts(std::span<std::string_view> parts) {
  while (!parts.empty()) {
    if (deadline_.expired()) co_return net::error::operation_aborted;
    const Connection::Result result = connection_->write(parts);
    if (result.error) co_return result.error;
    if (result.want == Connection::Want::Nothing) {
      take_off(parts, result.bytes);
      sent_bytes_ += result.bytes;
      deadline_.begin(Deadline::Phase::Send, limits_.between_ms);
      continue;
    }
    error_code error;
    if (result.want == Connection::Want::Read)
      std::tie(error) = co_await connection_->wait(result.want);
    else
      std::tie(error) = co_await connection_->wait_for_either();
    if (error) co_return error;
    if (const error_code ended = read_once();
        ended && ended != net::error::would_block && !outcome_)
      co_return ended;
    if (outcome_ || has_head_) co_return error_code();
  }
  co_return error_code();
}

// Reads what is there. would_block: nothing is; another error: the stream has ended.
error_code Exchange::read_once() {
  const Connection::Result result = connection_->read(state_->read_buffer);
  want_ = result.want;
  if (want_ != Connection::Want::Nothing) return net::error::would_block;
  if (result.error) return result.error;
  take(std::string_view(state_->read_buffer.data(), result.bytes));
  return {};
}

net::awaitable<void> Exchange::receive() {
  int reads = 0;
  while (!outcome_) {
    const error_code error = deadline_.expired() ? net::error::operation_aborted : read_once();
    if (outcome_) break;
    if (error == net::error::would_block) {
      auto [waited] = co_await connection_->wait(want_);
      reads = 0;
      if (waited) finish_stream(waited);
    } else if (error) {
      finish_stream(error);
    } else if (++reads == kReadsBeforeYield) {
      reads = 0;
      co_await net::post(state_->executor, net::use_awaitable);
    }
  }
}

void Exchange::take(std::string_view bytes) {
  if (received_bytes_ == 0) deadline_.let_go();
  received_bytes_ += bytes.size();
  while (!outcome_) {
    const ResponseParser::Event event = parser_->next(bytes);
    if (event == ResponseParser::Event::NeedMore) return;
    if (event == ResponseParser::Event::Complete) return complete(bytes.size());
    take_event(event);
  }
}

void Exchange::take_event(ResponseParser::Event event) {
  switch (event) {
    case ResponseParser::Event::Head:
      has_head_ = true;
      heed(receiver_.head(parser_->head()));
      parser_->drop_fields();
      break;
    case ResponseParser::Event::Data:
      body_bytes_ += parser_->data().size();
      heed(receiver_.data(parser_->data()));
      break;
    case ResponseParser::Event::TooLarge:
      fail(Failure::Kind::TooLarge, "reading the answer: " + parser_->problem());
      break;
    default:
      fail(Failure::Kind::Malformed, "reading the answer: " + parser_->problem());
  }
}

void Exchange::heed(Receiver::Said said) {
  if (said == Receiver::Said::Progress) {
    progressed_ = true;
    deadline_.begin(Deadline::Phase::Between, limits_.between_ms);
  }
  if (said == Receiver::Said::Stop) {
    Completed completed{.status = parser_->head().status, .body_bytes = body_bytes_};
    completed.stopped = true;
    outcome_ = completed;
    connection_->close();
  }
}

// The stream has ended, properly (eof) or not, and the answer was not complete.
void Exchange::finish_stream(const error_code& error) {
  if (error == net::error::eof) {
    if (received_bytes_ == 0)
      return fail(Failure::Kind::Closed,
                  "waiting for the answer: the server closed the connection without one");
    if (parser_->end() == ResponseParser::Event::Complete) return complete(0);
    return fail(Failure::Kind::Cut, "reading the answer: " + parser_->problem());
  }
  if (received_bytes_ == 0) return end_by(error, Failure::Kind::Closed, "waiting for the answer");
  end_by(error, Failure::Kind::Cut,
         "reading the answer, " + std::to_string(body_bytes_) + " bytes of its body had come");
}

void Exchange::complete(std::size_t bytes_left) {
  Completed completed{.status = parser_->head().status, .body_bytes = body_bytes_};
  completed.until_close = parser_->until_close();
  outcome_ = completed;
  // Bytes beyond the answer belong to nothing we asked for.
  reusable_ = parser_->keep_alive() && bytes_left == 0 && sent_all_ && connection_->is_open();
  if (!reusable_) connection_->close();
}

}  // namespace

net::awaitable<std::variant<Completed, Failure>> run_exchange(std::shared_ptr<ClientState> state,
                                                              Request request, Receiver& receiver) {
  Exchange exchange(std::move(state), std::move(request), receiver);
  co_return co_await exchange.run();
}

}  // namespace http
