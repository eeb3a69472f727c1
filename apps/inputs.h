#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "apps/conduct.h"
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
// occur.
Inputs read_inputs(const InputFlags& flags, formats::Need need);

// The same from a run's own rows.
Inputs inputs_of_run(const storage::LedgerReader& reader, const storage::RunRow& run);

}  // namespace apps
