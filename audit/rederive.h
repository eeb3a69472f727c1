#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/chat.h"
#include "storage/ledger.h"

namespace audit {

// Recorded answers asked for again, with the prompt, the seed and the sampling of the ledger: a
// model that gives the same bytes for them is bound by its record.
struct Rederived {
  int64_t asked = 0;
  int64_t same = 0;
  std::vector<std::string> faults;  // a sentence for each answer that is another now
};

// Asks `calls` of these roles' answered calls again, evenly spread over all of them, all at once.
// Throws std::runtime_error if the model of such a role is another one than the run's.
boost::asio::awaitable<Rederived> rederive(const storage::LedgerReader& reader,
                                           const storage::RunRow& run, pipeline::ChatModel& model,
                                           pipeline::RoleSet roles, int64_t calls);

}  // namespace audit
