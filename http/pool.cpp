#include "http/pool.h"

#include <algorithm>
#include <utility>

namespace http {

void Pool::drop_old() {
  const auto now = std::chrono::steady_clock::now();
  while (!kept_.empty() && now - kept_.front().since >= lifetime_) kept_.pop_front();
}

std::unique_ptr<Connection> Pool::take(const std::string& origin) {
  drop_old();
  for (auto kept = kept_.end(); kept != kept_.begin();) {
    --kept;
    if (kept->origin != origin) continue;
    std::unique_ptr<Connection> connection = std::move(kept->connection);
    kept = kept_.erase(kept);
    if (connection->quiet()) return connection;
  }
  return nullptr;
}

void Pool::keep(const std::string& origin, std::unique_ptr<Connection> connection) {
  drop_old();
  if (connections_max_ == 0) return;
  if (kept_.size() >= connections_max_) kept_.pop_front();
  kept_.push_back(Kept{origin, std::move(connection), std::chrono::steady_clock::now()});
}

}  // namespace http
