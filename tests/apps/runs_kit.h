#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/live_book.h"
#include "pipeline/meaning.h"
#include "pipeline/run.h"
#include "storage/ledger.h"
#include "tests/support/run.h"
#include "tests/support/scripted_model.h"
#include "tests/support/temp_dir.h"
#include "text/sha256.h"

// A ledger with a run that really took place, with the scripted model.
struct StoredRun {
  support::TempDir folder;
  std::filesystem::path ledger = folder / "ledger.sqlite";
  int64_t run = 0;
  pipeline::Effort effort;
  std::vector<pipeline::ItemResult> results;  // by item
};

inline std::shared_ptr<const pipeline::Problem> kit_problem(const std::string& name) {
  auto problem = std::make_shared<pipeline::Problem>();
  problem->name = name;
  problem->statement = "Show that the two sums of " + name + " are equal.";
  problem->sha256 = pipeline::problem_sha256(*problem);
  return problem;
}

inline pipeline::Effort kit_effort() {
  pipeline::Effort effort;
  effort.pool = 2;
  effort.rounds = 1;
  effort.best = 2;
  effort.votes = {.votes = 3, .quorum = 2, .meta = 1};
  effort.stop_early = false;
  return effort;
}

inline std::unique_ptr<StoredRun> make_run(const std::string& kind,
                                           const std::vector<pipeline::Item>& items,
                                           const support::ScriptedRates& rates) {
  auto stored = std::make_unique<StoredRun>();
  stored->effort = kit_effort();
  const prompts::TemplateSet templates = prompts::TemplateSet::shipped();
  support::ScriptedModel::Options options;
  options.rates = rates;
  options.name = "with";  // its identity: "scripted with ...", as that of a model with extra fields
  support::ScriptedModel model(options);

  pipeline::Meaning meaning;
  meaning.kind = kind;
  meaning.seed = 3;
  meaning.effort = stored->effort;
  meaning.templates = &templates;
  meaning.model = &model;
  storage::RunRow row;
  row.kind = kind;
  row.subject_sha256 = text::sha256_hex("subject");
  row.meaning = pipeline::to_json(meaning);
  row.settings = "{}";
  row.model = "scripted";
  row.program = "0.1.0";
  row.secret = "0123456789abcdef0123456789abcdef";
  row.seed = 3;
  row.created_at = 1'700'000'000'000;
  row.state = "running";
  std::vector<storage::ProblemRow> problems;
  for (const pipeline::Item& item : items) {
    storage::ProblemRow problem;
    problem.ordinal = int64_t(problems.size());
    problem.name = item.problem->name;
    problem.sha256 = item.problem->sha256;
    problem.statement = item.problem->statement;
    problem.source = "problems.jsonl:" + std::to_string(problems.size() + 1);
    problem.metadata = "{}";
    problems.push_back(std::move(problem));
  }

  storage::LedgerWriter writer(stored->ledger);
  stored->run = writer.create_run(row, problems);
  const storage::LedgerReader reader(stored->ledger);
  boost::asio::io_context context;
  pipeline::Board board;
  pipeline::LiveBook::Options book_options;
  book_options.run = stored->run;
  book_options.seed = 3;
  pipeline::LiveBook book(context.get_executor(), writer, reader, model, book_options, board);
  const pipeline::Loop loop{book, templates, stored->effort, 3, row.secret};
  stored->results.resize(items.size());
  support::run(context,
               pipeline::run_items(loop, book, items, {}, board, [&](pipeline::ItemResult result) {
                 const std::size_t index = result.item;
                 stored->results[index] = std::move(result);
               }));
  writer.flush();
  writer.set_run_state(stored->run, "finished", "");
  return stored;
}

inline std::unique_ptr<StoredRun> solved_run(const support::ScriptedRates& rates = {}) {
  return make_run(
      "solve", {{"one", kit_problem("one"), nullptr}, {"two", kit_problem("two"), nullptr}}, rates);
}
