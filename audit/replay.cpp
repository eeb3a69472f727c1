// The run again, from its ledger: every call answered by its row, every decision compared.
#include <unistd.h>

#include <fmt/format.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "audit/ledger_audit.h"
#include "pipeline/meaning.h"
#include "pipeline/replay_book.h"
#include "pipeline/run.h"

namespace audit {
namespace {

constexpr std::size_t kFaultsMax = 1000;

// The templates that the run was made with, which the program may have changed since: its prompts
// hold them. They go through a folder, where the user's own templates come from too.
class StoredTemplates {
 public:
  StoredTemplates(const storage::LedgerReader& reader, int64_t run) {
    std::string pattern = (std::filesystem::temp_directory_path() / "elenchus-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("no temporary folder can be made in " +
                               std::filesystem::temp_directory_path().string());
    folder_ = pattern;
    std::set<std::string> known;
    for (const storage::StoredCall& call : reader.calls(run)) {
      if (known.size() == 4) break;
      if (known.contains("verify") && call.role == "verifier") continue;
      if (known.contains("meta_verify") && call.role == "meta_verifier") continue;
      const auto prompt = reader.prompt_of(run, call.key);
      if (!prompt || !known.insert(prompt->template_name).second) continue;
      std::ofstream(folder_ / (prompt->template_name + ".md"), std::ios::binary)
          << prompt->template_text;
    }
  }
  ~StoredTemplates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  StoredTemplates(const StoredTemplates&) = delete;
  StoredTemplates& operator=(const StoredTemplates&) = delete;

  prompts::TemplateSet set() const { return prompts::TemplateSet::from_directory(folder_); }

 private:
  std::filesystem::path folder_;
};

std::vector<pipeline::Item> items_of(const storage::LedgerReader& reader,
                                     const storage::RunRow& run) {
  std::map<std::string, std::shared_ptr<const pipeline::Problem>> problems;
  std::vector<pipeline::Item> items;
  for (const storage::ProblemRow& row : reader.problems(run.id)) {
    auto problem = std::make_shared<pipeline::Problem>();
    problem->name = row.name;
    problem->statement = row.statement;
    problem->reference = row.reference;
    problem->rubric = row.rubric;
    problem->sha256 = row.sha256;
    if (run.kind == "solve") items.push_back({row.name, problem, nullptr});
    problems[row.sha256] = std::move(problem);
  }
  if (run.kind == "solve") return items;
  for (const storage::ProofRow& row : reader.proofs(run.id))
    items.push_back({pipeline::submission_name(row), problems[row.problem_sha256],
                     std::make_shared<const std::string>(row.text)});
  return items;
}

using DecisionKey = std::pair<std::string, std::string>;  // problem, content or nothing

DecisionKey key_of(const storage::DecisionRow& row) {
  return {row.problem_sha256, row.content_key.value_or("")};
}

void compare(const storage::DecisionRow& stored, const storage::DecisionRow& again,
             std::vector<std::string>& faults) {
  if (stored.outcome == again.outcome && stored.numbers == again.numbers &&
      stored.rule == again.rule)
    return;
  const std::string about = stored.content_key
                                ? "the proof " + *stored.content_key
                                : "the problem " + stored.problem_sha256.substr(0, 16);
  faults.push_back(fmt::format(
      "the ledger says of {}: {} by {} {}, but its calls lead to {} by {} {}", about,
      stored.outcome, stored.rule, stored.numbers, again.outcome, again.rule, again.numbers));
}

}  // namespace

Replay replay_run(const storage::LedgerReader& reader, const storage::RunRow& run) {
  const StoredTemplates folder(reader, run.id);
  const prompts::TemplateSet templates = folder.set();
  const pipeline::StoredMeaning meaning = pipeline::read_meaning(run.meaning);
  std::map<DecisionKey, storage::DecisionRow> stored;
  for (storage::DecisionRow& row : reader.decisions(run.id)) stored[key_of(row)] = std::move(row);

  Replay replay;
  for (const pipeline::Item& item : items_of(reader, run)) {
    ++replay.items;
    pipeline::ReplayBook book(reader, run.id);
    const pipeline::Loop loop{book, templates, meaning.effort, run.seed, run.secret};
    const pipeline::ItemResult result = pipeline::replay_items(loop, {item}).front();
    replay.calls += book.calls();
    for (const storage::DecisionRow& row : book.decisions()) {
      const auto found = stored.find(key_of(row));
      if (found == stored.end()) continue;  // the run ended before it wrote this one down
      ++replay.decisions;
      compare(found->second, row, replay.faults);
    }
    const std::string content = item.proof ? pipeline::content_key(*item.problem, *item.proof) : "";
    const bool was_decided = stored.contains({item.problem->sha256, content});
    if (result.stopped && was_decided)
      replay.faults.push_back(
          fmt::format("{} is decided in the ledger, but the call {} that this needs is not there",
                      item.name, book.missing().empty() ? "?" : *book.missing().begin()));
    if (!was_decided) ++replay.unfinished;
    for (const std::string& key : book.changed_prompts())
      replay.faults.push_back(
          fmt::format("the prompt of {}, built again, differs from the one that was sent", key));
    if (replay.faults.size() > kFaultsMax) break;
  }
  return replay;
}

}  // namespace audit
