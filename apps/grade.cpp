#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/conduct.h"
#include "apps/graded.h"
#include "apps/inputs.h"
#include "apps/output.h"
#include "apps/report.h"
#include "formats/marks.h"

namespace apps {
namespace {

struct GradeFlags {
  std::shared_ptr<RunFlags> run;
  std::string output;
  std::string max;
  std::string require;
  bool json = false;
};

// The human mark of a row as a fraction; a mark that cannot be used is said, not dropped.
void add_mark(Graded& graded, const formats::Submission& row, const std::string& max) {
  if (row.mark.empty()) return;
  formats::MarkQuery query;
  query.mark = row.mark;
  query.max_asked = max;
  query.max_column = row.mark_max;
  query.id = row.problem.id;
  query.place = row.problem.place;
  auto fraction = formats::fraction_of(query);
  if (const double* value = std::get_if<double>(&fraction))
    graded.human = *value;
  else
    graded.human_error = std::get<std::string>(fraction);
}

storage::AnnotationRow mark_row(const pipeline::Item& item, const formats::Submission& row,
                                double fraction) {
  storage::AnnotationRow mark;
  mark.problem_sha256 = item.problem->sha256;
  mark.content_key = pipeline::content_key(*item.problem, *item.proof);
  mark.author = "input";
  mark.kind = "mark";
  const nlohmann::ordered_json body{
      {"fraction", fraction}, {"mark", row.mark}, {"submission", item.name}};
  mark.body = body.dump();
  return mark;
}

void print_result(const Graded& graded) {
  const auto score = score_of(graded);
  const pipeline::Tally t =
      graded.result.best ? graded.result.best->judgement.tally : pipeline::Tally{};
  fmt::print("{:<10} {:>5}  {:<32} {}\n", to_text(graded.result.outcome),
             score ? fmt::format("{:.3g}", *score) : "-", graded.id,
             t.requested > 0 ? tally_words(t) : graded.result.reason);
  std::fflush(stdout);
}

void write_output(const GradeFlags& flags, const std::vector<Graded>& graded) {
  if (flags.output.empty()) return;
  const std::filesystem::path file(flags.output);
  if (file.extension() == ".csv") {
    write_whole_file(file, graded_csv(graded));
    return;
  }
  std::string lines;
  for (const Graded& row : graded) lines += graded_json(row) + "\n";
  write_whole_file(file, lines);
}

ExitCode final_code(const GradeFlags& flags, const Conducted& conducted, const Inputs& inputs,
                    const GradeSummary& summary) {
  if (conducted.stop) return conducted.code;
  if (!inputs.unusable.empty()) return ExitCode::ItemFailed;
  const bool gate = (flags.require == "accepted" && summary.refused + summary.undecided > 0) ||
                    (flags.require == "decided" && summary.undecided > 0);
  return gate ? ExitCode::BelowGate : ExitCode::Done;
}

ExitCode grade(const GradeFlags& flags, const Environment& environment) {
  LoadedRun loaded = load_run(*flags.run, formats::Need::Proof, environment);
  const Settings& settings = loaded.settings;
  Inputs& inputs = loaded.inputs;
  const Config config = make_config(settings, environment);
  if (flags.run->show_config) {
    fmt::print("{}", shown(settings));
    return ExitCode::Done;
  }
  say_notes(inputs);

  std::vector<Graded> graded(inputs.job.items.size());
  for (std::size_t i = 0; i < graded.size(); ++i) {
    graded[i].id = inputs.job.items[i].name;
    graded[i].problem = inputs.job.items[i].problem->name;
    graded[i].result.stopped = true;
    if (i < inputs.rows.size()) add_mark(graded[i], inputs.rows[i], flags.max);
    if (graded[i].human)
      inputs.job.marks.push_back(mark_row(inputs.job.items[i], inputs.rows[i], *graded[i].human));
    if (!graded[i].human_error.empty()) fmt::print(stderr, "{}\n", graded[i].human_error);
  }
  const auto calibration = load_calibration(config);
  const Job& job = inputs.job;
  const bool json = flags.json;
  const Conducted conducted = conduct(
      settings, config, environment, job, conduct_options(*flags.run),
      [&](const storage::RunRow& run, bool continued) {
        if (json) fmt::print("{}\n", launch_json(run, continued, job.items.size()));
        std::fflush(stdout);
        fmt::print(stderr, "run {} in {}{}\n", run.id, config.ledger.string(),
                   continued ? ", continued" : "");
      },
      [&](const pipeline::ItemResult& result) {
        graded[result.item].result = result;
        if (result.stopped) return;
        if (json)
          fmt::print("{}\n",
                     result_json(job.items[result.item], result, config.effort, calibration));
        else
          print_result(graded[result.item]);
      });

  {
    const auto reader = open_reader(config.ledger);
    add_issues(graded, job, *reader, conducted.run.id);
  }
  write_output(flags, graded);
  const GradeSummary summary = summarise(graded);
  const ExitCode code = final_code(flags, conducted, inputs, summary);
  if (json) {
    fmt::print("{}\n{}\n", summary_json(summary, graded),
               done_json(conducted, code, summary.accepted, summary.refused, summary.undecided));
  } else {
    fmt::print("{}", summary_words(summary, graded));
    if (summary.accepted > 0) fmt::print("{}\n", calibration_words(calibration, config.effort));
  }
  if (conducted.stop) fmt::print(stderr, "{}\n", stop_words(conducted, config.ledger));
  return code;
}

}  // namespace

void add_grade(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<GradeFlags>();
  CLI::App& command = add_command(
      app, "grade", "score given proofs, with issues, places and agreement with human marks",
      "elenchus grade examples/submissions.jsonl --base-url http://127.0.0.1:8000/v1 --model MODEL "
      "-o graded.csv");
  flags->run = add_run_flags(command, formats::Need::Proof);
  command
      .add_option("-o,--output", flags->output,
                  "file for the results, .jsonl or .csv, one row a submission")
      ->type_name("FILE")
      ->group("Output");
  command.add_option("--max", flags->max, "best mark there is, for marks without one")
      ->type_name("X")
      ->group("Input");
  command.add_flag("--json", flags->json, "JSON Lines on stdout: launch, results, summary, done")
      ->group("Output");
  command
      .add_option("--require", flags->require,
                  "exit with 10 unless every submission is `accepted`, or `decided`")
      ->check(CLI::IsMember({"accepted", "decided"}))
      ->group("Output");
  command.callback([flags, &invocation] {
    invocation.run = [flags, &invocation] { return grade(*flags, invocation.environment); };
  });
}

}  // namespace apps
