#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>
#include <vector>

namespace pipeline {

namespace net = boost::asio;

// Runs all the tasks at once and returns their results in the order given. The first failure
// cancels the others and is rethrown once they have stopped; a cancellation reaches all of them.
template <class T>
net::awaitable<std::vector<T>> gather(std::vector<net::awaitable<T>> tasks) {
  if (tasks.empty()) co_return std::vector<T>{};

  const auto executor = co_await net::this_coro::executor;
  using Operation = decltype(net::co_spawn(executor, std::move(tasks[0]), net::deferred));
  std::vector<Operation> operations;
  operations.reserve(tasks.size());
  for (auto& task : tasks)
    operations.push_back(net::co_spawn(executor, std::move(task), net::deferred));

  auto group = net::experimental::make_parallel_group(std::move(operations));
  auto [order, failures, results] =
      co_await group.async_wait(net::experimental::wait_for_one_error(), net::use_awaitable);
  for (const std::size_t i : order)
    if (failures[i]) std::rethrow_exception(failures[i]);
  co_return std::move(results);
}

}  // namespace pipeline
