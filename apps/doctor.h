#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/config.h"
#include "apps/exit.h"
#include "apps/local.h"

namespace apps {

// The self-check: not what is installed, but whether it works.

struct Check {
  enum class State { Ok, Warn, Fail };
  std::string name;
  State state = State::Ok;
  std::string message;
  std::string remedy;  // empty if it is Ok
  // An endpoint cannot be used, everything else may be well: another exit code.
  bool backend = false;
};
std::string_view to_text(Check::State state);
using Checks = std::vector<Check>;

// Cores, memory, cards, descriptors for `in_flight` calls, terminal.
Checks check_machine(const Settings& settings, const Config& config,
                     const Environment& environment);

// Whether a ledger can be written, read and checked in the folder of `ledger`; and the ledger
// itself if there is one. Deep: every row of it.
enum class Depth { Quick, Deep };
Checks check_storage(const std::filesystem::path& ledger, Depth depth);

// The pid, in words, of the process that holds the lock of a ledger; nothing if none does. Read
// from /proc/locks: trying the lock could refuse a run that starts at that moment.
std::optional<std::string> lock_holder(const std::filesystem::path& ledger);

// Certificates for TLS, templates.
Checks check_trust(const Config& config, bool needed);
Checks check_templates(const Config& config);

// Each server that the settings name for these roles is asked a few short questions. Without one:
// a warning.
Checks check_endpoints(const Settings& settings, const Config& config,
                       const Environment& environment, const pipeline::RoleSet& roles);

// The model of this machine that the settings name instead of a server.
Checks check_local(const LocalChoice& choice);

// 0, or 1 with a failure; 3 if only servers fail.
ExitCode exit_code_of(const Checks& checks);

}  // namespace apps
