#include "http/names.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace http {

namespace {

using Clock = std::chrono::steady_clock;

// Long enough for the thousand connections of a start, short enough that a service which moves to
// another address is followed.
constexpr std::chrono::seconds kResultLifetime{5};
constexpr std::size_t kLookupsMax = 64;
constexpr std::size_t kAddressesMax = 8;  // tried for one name

}  // namespace

struct Names::Lookup {
  explicit Lookup(const net::any_io_executor& executor) : resolver(executor) {}

  net::ip::tcp::resolver resolver;
  bool done = false;
  Clock::time_point done_at;
  std::vector<net::ip::address> addresses;
  boost::system::error_code error;
  std::vector<std::weak_ptr<net::steady_timer>> waiting;  // one of each waiting exchange
};

std::shared_ptr<Names::Lookup> Names::lookup_of(const std::string& host) {
  std::erase_if(lookups_, [](const auto& entry) {
    return entry.second->done && Clock::now() - entry.second->done_at > kResultLifetime;
  });
  if (const auto known = lookups_.find(host); known != lookups_.end()) return known->second;
  // Those still running are dropped here and end by themselves.
  if (lookups_.size() >= kLookupsMax) lookups_.clear();

  auto lookup = std::make_shared<Lookup>(executor_);
  lookups_.emplace(host, lookup);
  lookup->resolver.async_resolve(
      host, "", [lookup](const boost::system::error_code& error, const auto& results) {
        for (const auto& result : results)
          if (lookup->addresses.size() < kAddressesMax)
            lookup->addresses.push_back(result.endpoint().address());
        lookup->error = error;
        if (!error && lookup->addresses.empty()) lookup->error = net::error::host_not_found;
        lookup->done = true;
        // A failure is told to those who wait and not kept.
        lookup->done_at = lookup->error ? Clock::time_point() : Clock::now();
        for (const auto& waiting : lookup->waiting)
          if (const auto timer = waiting.lock()) timer->cancel();
        lookup->waiting.clear();
      });
  return lookup;
}

net::awaitable<Names::Found> Names::find(std::string host, std::string port,
                                         Clock::time_point deadline) {
  Found found;
  const auto number = static_cast<unsigned short>(std::stoi(port));
  boost::system::error_code not_an_address;
  const net::ip::address address = net::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    found.endpoints.emplace_back(address, number);
    co_return found;
  }
  const std::shared_ptr<Lookup> lookup = lookup_of(host);
  if (!lookup->done) {
    const auto timer = std::make_shared<net::steady_timer>(executor_, deadline);
    // Those that gave up are cleared away before the list would grow.
    if (lookup->waiting.size() == lookup->waiting.capacity())
      std::erase_if(lookup->waiting, [](const auto& waiting) { return waiting.expired(); });
    lookup->waiting.push_back(timer);
    auto [error] = co_await timer->async_wait(net::as_tuple(net::use_awaitable));
    if (!lookup->done) found.error = error ? error : net::error::timed_out;
  }
  if (lookup->done) {
    found.error = lookup->error;
    for (const net::ip::address& one : lookup->addresses) found.endpoints.emplace_back(one, number);
  }
  co_return found;
}

}  // namespace http
