#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/exit.h"
#include "apps/settings.h"
#include "storage/rows.h"

namespace apps {

// How a command is built: add_NAME() declares its flags and leaves in `run` what it does. The work
// starts only when the whole command line has been read, in main.cpp.
struct Invocation {
  Environment environment;
  std::function<ExitCode()> run;
};

// The flags of the settings, as they were given on the command line.
struct SettingFlags {
  std::map<std::string, std::vector<std::string>> given;  // by setting
  std::vector<std::string> roles;                         // --role
  std::string config;                                     // --config
};

// Adds a flag for each setting of these groups ("Model", "Sampling", "Engine", "Loop", "Limits",
// "Storage", "Output"), and --config; --role with "Model".
std::shared_ptr<SettingFlags> add_setting_flags(CLI::App& command,
                                                const std::vector<std::string>& groups);

// All layers together, the strongest last. Throws Exit(Usage).
Settings resolve(const SettingFlags& flags, const Environment& environment);

// The same with what a run was started with between the files and the environment: for --resume.
Settings resolve_over(const SettingFlags& flags, const Environment& environment,
                      const storage::RunRow& run);

// `command` with its one-line description and an example that stands first in its help.
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example);

void add_solve(CLI::App& app, Invocation& invocation);
void add_grade(CLI::App& app, Invocation& invocation);
void add_calibrate(CLI::App& app, Invocation& invocation);
void add_audit(CLI::App& app, Invocation& invocation);
void add_check(CLI::App& app, Invocation& invocation);
void add_theorems(CLI::App& app, Invocation& invocation);
void add_runs(CLI::App& app, Invocation& invocation);
void add_estimate(CLI::App& app, Invocation& invocation);
void add_doctor(CLI::App& app, Invocation& invocation);
void add_completion(CLI::App& app, Invocation& invocation);
void add_model(CLI::App& app, Invocation& invocation);
void add_generate(CLI::App& app, Invocation& invocation);
void add_tokenize(CLI::App& app, Invocation& invocation);
void add_train(CLI::App& app, Invocation& invocation);
void add_version(CLI::App& app, Invocation& invocation);

// The whole program: reads the command line, runs the command, prints errors. Returns the exit
// code. Results go to stdout, everything else to stderr.
int run_program(int argc, const char* const* argv, const Environment& environment);

inline constexpr const char* kVersion = "0.1.0";

}  // namespace apps
