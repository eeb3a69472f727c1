#include <fmt/format.h>

#include "apps/command.h"
#include "apps/conduct.h"
#include "apps/exact_check.h"
#include "apps/inputs.h"
#include "apps/output.h"
#include "apps/report.h"
#include "text/utf8.h"

namespace apps {
namespace {

struct SolveFlags {
  std::shared_ptr<RunFlags> run;
  std::string output;
  std::string require;
  std::string check;  // "exact": also by the checker of the built-in families
  bool json = false;
  bool dry_run = false;
};

// What a person reads of one problem, in Markdown.
std::string problem_markdown(const pipeline::Item& item, const pipeline::ItemResult& result,
                             const Config& config,
                             const std::optional<audit::Calibration>& calibration,
                             const std::string& annotation) {
  std::string text = fmt::format("# {}: {}\n\n", item.name, to_text(result.outcome));
  text += fmt::format("{}\n", result.reason);
  if (!result.best) return text + "\n";
  const pipeline::Judgement& judgement = result.best->judgement;
  text += fmt::format("{} after {} round(s) of refinement; {} proof(s) in all\n",
                      result.outcome == pipeline::Outcome::Accepted ? "found" : "the best so far,",
                      result.best->round, result.proofs);
  text += fmt::format("votes: {}\n", tally_words(judgement.tally));
  if (result.outcome == pipeline::Outcome::Accepted)
    text += calibration_words(calibration, config.effort) + "\n";
  text += annotation;
  text += "\n" + text::repair_utf8(result.best->proof);
  return text + (text.ends_with('\n') ? "\n" : "\n\n");
}

std::string file_name(const std::string& id) {
  std::string name;
  for (const char c : id.substr(0, 100)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    name += plain || (c == '.' && !name.empty()) ? c : '_';
  }
  return name.empty() ? "problem" : name;
}

// Counts what ended how, and prints or writes each result.
class Results {
 public:
  Results(const SolveFlags& flags, const Config& config, const Job& job)
      : flags_(flags), config_(config), job_(job), calibration_(load_calibration(config)) {}

  void take(const pipeline::ItemResult& result) {
    const pipeline::Item& item = job_.items[result.item];
    ++counts_[std::size_t(result.outcome)];
    if (result.stopped) ++unfinished_;
    const std::string annotation = annotate(item, result);
    if (flags_.json) {
      fmt::print("{}\n{}", result_json(item, result, config_.effort, calibration_), annotation);
    } else if (!flags_.output.empty()) {
      if (result.stopped && !result.best) return;
      const auto file = std::filesystem::path(flags_.output) / (file_name(item.name) + ".md");
      write_whole_file(file, problem_markdown(item, result, config_, calibration_, annotation));
      fmt::print("{:<10} {:<32} {}\n", to_text(result.outcome), item.name, file.string());
    } else if (!result.stopped || result.best) {
      fmt::print("{}", problem_markdown(item, result, config_, calibration_, annotation));
    }
    std::fflush(stdout);
  }

  // What the checker said of the accepted ones; nothing if it was not asked.
  std::string check_words() const {
    if (flags_.check.empty()) return {};
    return fmt::format("exact check: {} of the {} accepted proofs earn 1\n", confirmed_,
                       count(pipeline::Outcome::Accepted));
  }

  std::size_t count(pipeline::Outcome outcome) const { return counts_[std::size_t(outcome)]; }
  std::size_t unfinished() const { return unfinished_; }

 private:
  std::string annotate(const pipeline::Item& item, const pipeline::ItemResult& result) {
    if (flags_.check.empty() || !result.best) return {};
    const auto word = exact_word(item.problem->statement, result.best->proof);
    const bool sound = word && word->halves == 2;
    if (sound && result.outcome == pipeline::Outcome::Accepted) ++confirmed_;
    return flags_.json ? exact_json(item.name, word) + "\n" : exact_line(word);
  }

  const SolveFlags& flags_;
  const Config& config_;
  const Job& job_;
  std::optional<audit::Calibration> calibration_;
  std::array<std::size_t, 3> counts_{};
  std::size_t unfinished_ = 0;
  std::size_t confirmed_ = 0;
};

ExitCode final_code(const SolveFlags& flags, const Conducted& conducted, const Inputs& inputs,
                    const Results& results) {
  if (conducted.stop) return conducted.code;
  if (!inputs.unusable.empty()) return ExitCode::ItemFailed;
  const bool all = results.count(pipeline::Outcome::Accepted) == inputs.job.items.size();
  return flags.require == "accepted" && !all ? ExitCode::BelowGate : ExitCode::Done;
}

ExitCode dry_run(const Config& config, const Inputs& inputs) {
  for (const pipeline::Item& item : inputs.job.items)
    fmt::print("{:<32} {} bytes\n", item.name, item.problem->statement.size());
  const pipeline::CallCounts most = pipeline::most_calls(config.effort);
  fmt::print("{} problem(s), at most {:.0f} calls each; nothing was asked\n",
             inputs.job.items.size(), most.total());
  return ExitCode::Done;
}

ExitCode solve(const SolveFlags& flags, const Environment& environment) {
  const LoadedRun loaded = load_run(*flags.run, formats::Need::Statement, environment);
  const Settings& settings = loaded.settings;
  const Inputs& inputs = loaded.inputs;
  const Config config = make_config(settings, environment);
  if (flags.run->show_config) {
    fmt::print("{}", shown(settings));
    return ExitCode::Done;
  }
  say_notes(inputs);
  if (flags.dry_run) return dry_run(config, inputs);

  Results results(flags, config, inputs.job);
  const Conducted conducted = conduct(
      settings, config, environment, inputs.job, conduct_options(*flags.run),
      [&](const storage::RunRow& run, bool continued) {
        if (flags.json) fmt::print("{}\n", launch_json(run, continued, inputs.job.items.size()));
        std::fflush(stdout);
        fmt::print(stderr, "run {} in {}{}\n", run.id, config.ledger.string(),
                   continued ? ", continued" : "");
      },
      [&](const pipeline::ItemResult& result) { results.take(result); });

  const ExitCode code = final_code(flags, conducted, inputs, results);
  const auto accepted = results.count(pipeline::Outcome::Accepted);
  const auto undecided = results.count(pipeline::Outcome::Undecided);
  if (flags.json) fmt::print("{}\n", done_json(conducted, code, accepted, 0, undecided));
  fmt::print(stderr, "{} accepted, {} undecided; {} calls, {} tokens\n", accepted, undecided,
             conducted.totals.calls,
             conducted.totals.tokens_prompt + conducted.totals.tokens_output);
  fmt::print(stderr, "{}", results.check_words());
  if (conducted.stop)
    fmt::print(stderr, "{}\n", stop_words(conducted, config.ledger));
  else
    fmt::print(stderr, "`elenchus audit {}` checks every decision of this run\n", conducted.run.id);
  return code;
}

}  // namespace

void add_solve(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<SolveFlags>();
  CLI::App& command = add_command(
      app, "solve", "search for proofs that survive verification",
      "elenchus solve examples/prose/sum-of-odds.md --base-url http://127.0.0.1:8000/v1 "
      "--model MODEL --effort quick");
  flags->run = add_run_flags(command, formats::Need::Statement);
  command.add_option("-o,--output", flags->output, "folder for one Markdown file a problem")
      ->type_name("DIR")
      ->group("Output");
  command.add_flag("--json", flags->json, "JSON Lines on stdout: launch, results, done")
      ->group("Output");
  command
      .add_option("--require", flags->require, "exit with 10 unless every problem is `accepted`")
      ->check(CLI::IsMember({"accepted"}))
      ->group("Output");
  command
      .add_option("--check", flags->check,
                  "exact: say beside each proof what the exact checker of the built-in families "
                  "says; no decision sees it")
      ->check(CLI::IsMember({"exact"}))
      ->group("Output");
  command.add_flag("--dry-run", flags->dry_run, "read the input, ask nothing")->group("Output");
  command.callback([flags, &invocation] {
    invocation.run = [flags, &invocation] { return solve(*flags, invocation.environment); };
  });
}

}  // namespace apps
