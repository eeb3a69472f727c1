#pragma once

#include <memory>
#include <string>
#include <variant>

#include "http/client.h"
#include "http/dial.h"

namespace http {

// The request line, the fields and the blank line. A proxy is given for a plain request that goes
// through one: it gets the absolute form. Throws std::invalid_argument, which names a field but
// never its value, if the request cannot be put into HTTP or sets a field that is the client's.
std::string request_head(const Request& request, const Proxy* proxy);

// One exchange of Client, see there. `receiver` outlives the call.
net::awaitable<std::variant<Completed, Failure>> run_exchange(std::shared_ptr<ClientState> state,
                                                              Request request, Receiver& receiver);

}  // namespace http
