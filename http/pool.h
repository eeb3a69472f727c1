#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "http/client.h"
#include "http/connection.h"

namespace http {

// Connections that wait for their next exchange. There is no timer behind it, which would keep
// io_context::run() from returning: old ones are closed whenever the pool is used.
class Pool {
 public:
  Pool(std::size_t connections_max, Milliseconds lifetime)
      : connections_max_(connections_max), lifetime_(lifetime) {}

  // The one used last of those to `origin` that is still alive; null if there is none.
  std::unique_ptr<Connection> take(const std::string& origin);
  // The one kept longest makes room.
  void keep(const std::string& origin, std::unique_ptr<Connection> connection);
  void clear() { kept_.clear(); }
  std::size_t size() const { return kept_.size(); }

 private:
  void drop_old();

  struct Kept {
    std::string origin;
    std::unique_ptr<Connection> connection;
    std::chrono::steady_clock::time_point since;
  };
  std::size_t connections_max_;
  Milliseconds lifetime_;
  std::list<Kept> kept_;  // the longest kept first
};

}  // namespace http
