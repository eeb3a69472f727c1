#include "pipeline/signal.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace pipeline {

net::awaitable<void> Signal::wait() {
  // A notification and a cancellation both end the timer's wait with operation_aborted; the
  // coroutine's own state tells them apart.
  co_await timer_.async_wait(net::as_tuple(net::use_awaitable));
  const net::cancellation_state state = co_await net::this_coro::cancellation_state;
  if (state.cancelled() != net::cancellation_type::none)
    throw boost::system::system_error(net::error::operation_aborted);
}

net::awaitable<void> wait_for_cancellation() {
  Signal never(co_await net::this_coro::executor);
  for (;;) co_await never.wait();
}

}  // namespace pipeline
