#pragma once

#include "apps/settings.h"
#include "audit/rederive.h"

namespace apps {

// Asks `calls` recorded calls of the run again of the models of this machine that the settings
// name; calls of roles that a server answered are left out. Throws Exit(Usage) if they name none,
// or another model than the run's.
audit::Rederived rederive_run(const Settings& settings, const storage::LedgerReader& reader,
                              const storage::RunRow& run, int64_t calls);

}  // namespace apps
