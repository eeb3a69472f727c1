#include "tests/support/scripted_endpoint.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "tests/support/endpoint_session.h"

namespace support {

static constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);
static constexpr std::chrono::milliseconds kAcceptPause(20);  // while descriptors are short
static constexpr std::chrono::milliseconds kDrainPoll(5);

// What a coroutine throws here is a broken journal. It ends the program, since a test that trusts
// the journal would be wrong from now on.
static void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

class ScriptedEndpoint::Impl {
 public:
  explicit Impl(EndpointOptions options)
      : state_(prepared(std::move(options))), context_(1), acceptor_(context_) {
    const tcp::endpoint address(net::ip::make_address(state_.options.address), state_.options.port);
    acceptor_.open(address.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(address);
    acceptor_.listen(SOMAXCONN);
    port_ = acceptor_.local_endpoint().port();
    net::co_spawn(context_, accept(), rethrow);
    thread_ = std::thread([this] { context_.run(); });
  }

  ~Impl() { stop(0); }

  void stop(int64_t grace_ms) {
    if (!thread_.joinable()) return;
    net::post(context_, [this, grace_ms] { net::co_spawn(context_, drain(grace_ms), rethrow); });
    thread_.join();
  }

  uint16_t port() const { return port_; }
  const EndpointState& state() const { return state_; }

 private:
  static EndpointOptions prepared(EndpointOptions options) {
    options.faults.add_mixed(options.fault_rate);
    return options;
  }

  net::awaitable<void> accept() {
    net::steady_timer pause(context_);
    while (!state_.stopping) {
      if (state_.sessions.size() >= kConnectionsMax) {
        pause.expires_after(kAcceptPause);
        co_await pause.async_wait(kAsTuple);
        continue;
      }
      auto [error, socket] = co_await acceptor_.async_accept(kAsTuple);
      if (!error) {
        net::co_spawn(context_, serve(std::move(socket)), rethrow);
      } else if (!state_.stopping) {
        // Out of descriptors or memory: those who wait in the queue are served when others go.
        pause.expires_after(kAcceptPause);
        co_await pause.async_wait(kAsTuple);
      }
    }
  }

  // Owns the session.
  net::awaitable<void> serve(tcp::socket socket) {
    EndpointSession session(state_, std::move(socket));
    co_await session.serve();
  }

  net::awaitable<void> drain(int64_t grace_ms) {
    state_.stopping = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace_ms);
    net::steady_timer pause(context_);
    while (!state_.sessions.empty() && std::chrono::steady_clock::now() < end) {
      for (EndpointSession* session : state_.sessions) session->stop_waiting();
      pause.expires_after(kDrainPoll);
      co_await pause.async_wait(kAsTuple);
    }
    context_.stop();
  }

  EndpointState state_;  // outlives the sessions, which the context destroys
  net::io_context context_;
  tcp::acceptor acceptor_;
  uint16_t port_ = 0;
  std::thread thread_;
};

ScriptedEndpoint::ScriptedEndpoint(EndpointOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
ScriptedEndpoint::~ScriptedEndpoint() = default;

uint16_t ScriptedEndpoint::port() const { return impl_->port(); }

std::string ScriptedEndpoint::url() const {
  const std::string& address = impl_->state().options.address;
  const bool six = address.find(':') != std::string::npos;
  return "http://" + (six ? "[" + address + "]" : address) + ":" + std::to_string(port()) + "/v1";
}

EndpointCounts ScriptedEndpoint::counts() const {
  const auto& counts = impl_->state().counts;
  return {counts.received,  counts.sent,         counts.faults,
          counts.cut,       counts.connections,  counts.open_connections,
          counts.in_flight, counts.in_flight_max};
}

void ScriptedEndpoint::stop(int64_t grace_ms) { impl_->stop(grace_ms); }

}  // namespace support
