#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace support {

namespace net = boost::asio;

// Runs a coroutine to its end on an io_context of its own and returns its result; what it throws
// is thrown here. The first form is for tasks that need the executor beforehand:
//   net::io_context context;
//   http::Client client(context.get_executor(), {});
//   const auto answer = run(context, http::fetch(client, std::move(request)));
template <class T>
T run(net::io_context& context, net::awaitable<T> task) {
  std::exception_ptr failure;
  context.restart();
  if constexpr (std::is_void_v<T>) {
    bool ended = false;
    net::co_spawn(context, std::move(task), [&](std::exception_ptr error) {
      failure = error;
      ended = true;
      context.stop();
    });
    context.run();
    if (failure) std::rethrow_exception(failure);
    if (!ended) throw std::logic_error("the coroutine waits for something that never comes");
  } else {
    std::optional<T> result;
    net::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
      failure = error;
      if (!error) result.emplace(std::move(value));
      context.stop();
    });
    context.run();
    if (failure) std::rethrow_exception(failure);
    if (!result) throw std::logic_error("the coroutine waits for something that never comes");
    return std::move(*result);
  }
}

template <class T>
T run(net::awaitable<T> task) {
  net::io_context context;
  return run(context, std::move(task));
}

}  // namespace support
