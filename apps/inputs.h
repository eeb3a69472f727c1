#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/conduct.h"
#include "apps/domain.h"
#include "formats/problems.h"

namespace apps {

// What solve, grade and estimate are told to read, and how they turn it into a job.
struct InputFlags {
  std::vector<std::string> files;
  std::string map;
  std::vector<std::string> ids;
  std::string limit;   // "10" or "10-20", counted from 1
  std::string rubric;  // a file: for every submission
  bool first_of_duplicates = false;
  int64_t resume = 0;
};
std::shared_ptr<InputFlags> add_input_flags(CLI::App& command, formats::Need need);

struct Inputs {
  Job job;
  std::vector<formats::Submission> rows;  // beside job.items; empty for a resumed run
  std::vector<std::string> unusable;      // rows that were left out, each with place and reason
  std::vector<std::string> notes;         // what was chosen, for stderr
};

// Throws Exit(Usage) for files that cannot be used, for no usable row, for an id that does not
// occur, and what `spelling` throws.
Inputs read_inputs(const InputFlags& flags, formats::Need need, const Spelling& spelling);

// The same from a run's own rows.
Inputs inputs_of_run(const storage::LedgerReader& reader, const storage::RunRow& run);

// What solve and grade have in common: they go through a run, a new one or one to go on with.
struct RunFlags {
  std::shared_ptr<InputFlags> inputs;
  std::shared_ptr<SettingFlags> settings;
  bool fork = false;
  bool retry_failed = false;
  bool show_config = false;
  bool anyway = false;  // also what the model was not taught
};
std::shared_ptr<RunFlags> add_run_flags(CLI::App& command, formats::Need need);
ConductOptions conduct_options(const RunFlags& flags);

// The settings, and what is to be worked on: files, or with --resume the run's own rows. With
// --show-config no file is read. Throws Exit(Usage) if there is no such run of this command.
struct LoadedRun {
  Settings settings;
  Inputs inputs;
};
LoadedRun load_run(const RunFlags& flags, formats::Need need, const Environment& environment);

// On stderr: what was chosen and what was left out.
void say_notes(const Inputs& inputs);

}  // namespace apps
