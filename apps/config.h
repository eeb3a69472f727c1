#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/settings.h"
#include "http/client.h"
#include "pipeline/effort.h"
#include "pipeline/live_book.h"
#include "pipeline/remote_config.h"
#include "pipeline/run.h"

namespace apps {

enum class Display { Auto, Full, Plain, None };

// What the settings mean, checked: all that a run needs to start.
struct Config {
  std::string effort_name;
  pipeline::Effort effort;
  int64_t seed = 1;
  pipeline::Roles roles;
  pipeline::BudgetLimits budget;
  pipeline::RunLimits limits;
  int64_t in_flight = 64;
  std::filesystem::path ledger;
  std::optional<std::filesystem::path> prompts;
  std::optional<std::filesystem::path> calibration;
  Display display = Display::Auto;
  http::ClientOptions client;
};

// Throws Exit(Usage) naming the setting, where its value came from and what it must be.
Config make_config(const Settings& settings, const Environment& environment);

// Whether a server is named, be it for one role.
bool names_server(const Settings& settings);

// The servers and who answers for which of `roles`, with the keys read from file or environment.
// Throws Exit(Usage) if no server is named for one of them, or a key file is open to others or
// cannot be read.
pipeline::RemoteConfig make_remote(const Settings& settings, const Environment& environment,
                                   const pipeline::RoleSet& roles = pipeline::kAllRoles);

// The settings with where each came from, a line each: --show-config. Without secrets: there are
// none among the settings.
std::string shown(const Settings& settings);

}  // namespace apps
