#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/config.h"
#include "apps/exit.h"
#include "audit/calibration.h"
#include "pipeline/run.h"
#include "storage/ledger.h"

namespace apps {

// What solve and grade have in common: a run in the ledger, the model behind it, the view before
// it.

struct Job {
  std::string kind;  // solve, grade
  std::vector<pipeline::Item> items;
  std::vector<storage::ProblemRow> problems;  // one for each distinct statement
  std::vector<storage::AnnotationRow> marks;  // human marks, recorded beside the votes
};

struct ConductOptions {
  pipeline::Fork fork = pipeline::Fork::No;
  bool retry_failed = false;
};

struct Conducted {
  storage::RunRow run;
  std::optional<pipeline::Stop> stop;
  storage::LedgerReader::Totals totals;
  ExitCode code = ExitCode::Done;  // what a stop makes of it; Done if it ran to its end
};

// Runs the job to its end or until it is stopped, with `on_start` once the run has its number and
// `on_result` for every item as it ends. Throws Exit: Usage if these inputs have a run of another
// meaning, Backend if the ledger cannot be had.
Conducted conduct(const Settings& settings, const Config& config, const Environment& environment,
                  const Job& job, const ConductOptions& options,
                  const std::function<void(const storage::RunRow&, bool continued)>& on_start,
                  const std::function<void(const pipeline::ItemResult&)>& on_result);

// The ledger opened, with its failures in a sentence for the person.
std::unique_ptr<storage::LedgerWriter> open_writer(const std::filesystem::path& file);
std::unique_ptr<storage::LedgerReader> open_reader(const std::filesystem::path& file);

// A problem with its hash, and its row.
std::shared_ptr<const pipeline::Problem> make_problem(std::string name, std::string statement,
                                                      std::string reference, std::string rubric);
storage::ProblemRow problem_row(const pipeline::Problem& problem, int64_t ordinal,
                                std::string source, std::string metadata);

// The settings that a run was started with, as a layer: for --resume.
void add_run_settings(Settings& settings, const storage::RunRow& run);

}  // namespace apps
