#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace http {

namespace net = boost::asio;

// Looks names up. Asio does that in one thread of its own, one name after the other, and cannot
// stop it; so exchanges that want the same name share one look-up and its result for a few
// seconds, and each waits no longer than its own deadline. A look-up nobody waits for any more
// still keeps io_context::run() busy until the system's resolver gives up.
class Names {
 public:
  explicit Names(net::any_io_executor executor) : executor_(std::move(executor)) {}

  struct Found {
    std::vector<net::ip::tcp::endpoint> endpoints;
    // timed_out: `deadline` came first; operation_aborted: the caller was cancelled.
    boost::system::error_code error;
  };
  // IP addresses are answered without a look-up.
  net::awaitable<Found> find(std::string host, std::string port,
                             std::chrono::steady_clock::time_point deadline);

 private:
  struct Lookup;
  std::shared_ptr<Lookup> lookup_of(const std::string& host);

  net::any_io_executor executor_;
  std::map<std::string, std::shared_ptr<Lookup>> lookups_;
};

}  // namespace http
