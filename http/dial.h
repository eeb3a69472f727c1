#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/client.h"
#include "http/connection.h"
#include "http/deadline.h"
#include "http/names.h"
#include "http/pool.h"
#include "http/proxy.h"
#include "http/tls.h"

namespace http {

// What all exchanges of a client share. They hold it together with the client, since one may
// still run when the client goes.
struct ClientState {
  ClientState(net::any_io_executor executor, ClientOptions options);
  const TlsContext& trusted();  // loaded for the first TLS connection

  net::any_io_executor executor;
  ClientOptions options;
  ProxyRules proxies;
  Names names;
  std::unique_ptr<TlsContext> tls;
  Pool pool;
  std::shared_ptr<std::size_t> connections = std::make_shared<std::size_t>(0);
  // One for all: what is read is handed on before anything else is read.
  std::vector<char> read_buffer;
};

// Brings `connection` to where an exchange with `url` can begin: name, TCP, proxy, TLS. Ends by
// the deadline in progress. All references outlive the call. Throws system_error
// (operation_aborted) when cancelled. The failure's message does not name the exchange.
net::awaitable<std::optional<Failure>> dial(ClientState& state, Connection& connection,
                                            Deadline& deadline, const Url& url);

}  // namespace http
