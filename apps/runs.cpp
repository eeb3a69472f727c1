// elenchus runs: what the ledger holds, to look at and to take elsewhere. Nothing here writes to
// it.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/conduct.h"
#include "apps/output.h"
#include "apps/runs_export.h"
#include "apps/runs_record.h"
#include "apps/view_text.h"
#include "text/words.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNameWidth = 32;  // of ids and models in tables
constexpr std::size_t kReasonWidth = 60;

struct RunsFlags {
  int64_t run = 0;
  std::string format = "jsonl";
  std::string file = "-";
  bool json = false;
};

std::filesystem::path ledger_of(const SettingFlags& flags, const Environment& environment) {
  const Settings settings = resolve(flags, environment);
  return settings.is_set("db") ? std::filesystem::path(settings.word("db"))
                               : default_ledger(environment);
}

std::unique_ptr<storage::LedgerReader> open_existing(const std::filesystem::path& ledger) {
  std::error_code ignored;
  if (!std::filesystem::exists(ledger, ignored))
    throw Exit(ExitCode::Backend,
               fmt::format("{}: there is no ledger yet; `elenchus solve` makes one, --db names "
                           "another",
                           ledger.string()));
  return open_reader(ledger);
}

storage::RunRow find_run(const storage::LedgerReader& reader, int64_t id) {
  if (const auto run = reader.run(id)) return *run;
  std::vector<int64_t> known;
  for (const storage::RunRow& run : reader.runs()) known.push_back(run.id);
  throw Exit(ExitCode::Usage, known.empty()
                                  ? fmt::format("there is no run {}: the ledger holds none", id)
                                  : fmt::format("there is no run {}: the ledger has runs {} to {}; "
                                                "`elenchus runs list` shows them",
                                                id, known.front(), known.back()));
}

std::string utc(int64_t unix_milliseconds) {
  const std::time_t seconds = unix_milliseconds / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

struct Outcomes {
  std::size_t accepted = 0;
  std::size_t refused = 0;
  std::size_t undecided = 0;
  std::size_t unfinished = 0;
};

Outcomes outcomes_of(const RunRecord& record) {
  Outcomes count;
  for (const RunItem& item : record.items) {
    const std::string outcome = item.outcome();
    if (outcome == "accepted")
      ++count.accepted;
    else if (outcome == "refused")
      ++count.refused;
    else
      ++(outcome == "undecided" ? count.undecided : count.unfinished);
  }
  return count;
}

Json totals_json(const storage::LedgerReader::Totals& totals) {
  return {{"calls", totals.calls},
          {"unanswered", totals.intended},
          {"attempts", totals.attempts},
          {"tokens_prompt", totals.tokens_prompt},
          {"tokens_output", totals.tokens_output},
          {"cost", totals.cost},
          {"milliseconds", totals.milliseconds}};
}

// Without the run's secret, from which the nonces of its fences derive.
Json run_json(const RunRecord& record, const storage::LedgerReader::Totals& totals) {
  const storage::RunRow& run = record.run;
  const Outcomes count = outcomes_of(record);
  Json json{{"run", run.id},
            {"kind", run.kind},
            {"state", run.state},
            {"reason", run.state_reason},
            {"created", utc(run.created_at)},
            {"model", run.model},
            {"program", run.program},
            {"seed", run.seed}};
  json["forked_from"] = run.forked_from ? Json(*run.forked_from) : Json(nullptr);
  json["items"] = record.items.size();
  json["accepted"] = count.accepted;
  json["refused"] = count.refused;
  json["undecided"] = count.undecided;
  json["unfinished"] = count.unfinished;
  json["totals"] = totals_json(totals);
  return json;
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

ExitCode list(const std::filesystem::path& ledger, const RunsFlags& flags) {
  const auto reader = open_existing(ledger);
  std::vector<std::vector<std::string>> rows;
  for (const storage::RunRow& run : reader->runs()) {
    const RunRecord record = read_run(*reader, run);
    const auto totals = reader->totals(run.id);
    if (flags.json) {
      write_stdout(dumped(run_json(record, totals)));
      continue;
    }
    const Outcomes count = outcomes_of(record);
    rows.push_back({std::to_string(run.id), run.kind, run.state, utc(run.created_at),
                    std::to_string(record.items.size()), std::to_string(count.accepted),
                    std::to_string(count.refused), std::to_string(count.undecided),
                    std::to_string(totals.calls),
                    short_count(double(totals.tokens_prompt + totals.tokens_output)),
                    shortened(printable(run.model), kNameWidth)});
  }
  if (flags.json) return ExitCode::Done;
  write_stdout(table({{"run", Align::Right},
                      {"kind"},
                      {"state"},
                      {"created"},
                      {"items", Align::Right},
                      {"accepted", Align::Right},
                      {"refused", Align::Right},
                      {"undecided", Align::Right},
                      {"calls", Align::Right},
                      {"tokens", Align::Right},
                      {"model"}},
                     rows));
  return ExitCode::Done;
}

Json proof_summary(const RunRecord& record, const storage::ProofRow& proof) {
  const JudgedText& judged = record.judged_text(proof);
  Json json{{"key", proof.key}, {"round", proof.round}, {"parents", proof.parents}};
  json["self_score"] = proof.self_score ? Json(*proof.self_score) : Json(nullptr);
  json["outcome"] = judged.decision ? Json(judged.decision->outcome) : Json(nullptr);
  json["tally"] = tally_json(judged.tally);
  return json;
}

ExitCode show_json(const RunRecord& record, const storage::LedgerReader::Totals& totals) {
  Json json = run_json(record, totals);
  json["meaning"] = Json::parse(record.run.meaning, nullptr, false);
  json["problems"] = Json::array();
  for (const RunItem& item : record.items) {
    Json proofs = Json::array();
    for (const storage::ProofRow& proof : item.proofs)
      proofs.push_back(proof_summary(record, proof));
    Json problem{{"id", item.id}, {"source", item.problem.source}, {"outcome", item.outcome()}};
    problem["reason"] = reason_of(item.decision);
    problem["best"] = item.best ? Json(item.proofs[*item.best].key) : Json(nullptr);
    problem["proofs"] = std::move(proofs);
    json["problems"].push_back(std::move(problem));
  }
  write_stdout(dumped(json));
  return ExitCode::Done;
}

// The meaning of a run, a line for each of its parts: "effort.votes  8".
std::string meaning_lines(const std::string& meaning) {
  const Json json = Json::parse(meaning, nullptr, false);
  std::vector<std::vector<std::string>> rows;
  if (!json.is_object()) return "";
  const Json flat = json.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    std::string name = pointer.substr(1);
    std::replace(name.begin(), name.end(), '/', '.');
    rows.push_back({"  " + printable(name),
                    printable(value.is_string() ? value.get<std::string>() : value.dump())});
  }
  return table({{"meaning"}, {""}}, rows);
}

std::string problems_table(const RunRecord& record) {
  std::vector<std::vector<std::string>> rows;
  for (const RunItem& item : record.items)
    rows.push_back({shortened(printable(item.id), kNameWidth), item.outcome(),
                    std::to_string(item.proofs.size()),
                    item.best ? item.proofs[*item.best].key : "-",
                    shortened(printable(reason_of(item.decision)), kReasonWidth)});
  return table({{"problem"}, {"outcome"}, {"proofs", Align::Right}, {"best proof"}, {"reason"}},
               rows);
}

std::string proofs_table(const RunRecord& record) {
  std::vector<std::vector<std::string>> rows;
  for (const RunItem& item : record.items)
    for (const storage::ProofRow& proof : item.proofs) {
      const JudgedText& judged = record.judged_text(proof);
      const pipeline::Tally& t = judged.tally;
      rows.push_back({proof.key, std::to_string(proof.round), proof.self_score.value_or("-"),
                      judged.decision ? judged.decision->outcome : "-",
                      t.counted > 0 ? fmt::format("{:.3f}", t.mean()) : "-",
                      std::to_string(t.requested), std::to_string(t.returned),
                      std::to_string(t.parsed), std::to_string(t.struck), std::to_string(t.open),
                      fmt::format("{} of {}", t.positive, t.counted)});
    }
  return table({{"proof"},
                {"round", Align::Right},
                {"self", Align::Right},
                {"outcome"},
                {"mean", Align::Right},
                {"requested", Align::Right},
                {"returned", Align::Right},
                {"parsed", Align::Right},
                {"struck", Align::Right},
                {"open", Align::Right},
                {"for", Align::Right}},
               rows);
}

ExitCode show(const std::filesystem::path& ledger, const RunsFlags& flags) {
  const auto reader = open_existing(ledger);
  const RunRecord record = read_run(*reader, find_run(*reader, flags.run));
  const storage::LedgerReader::Totals totals = reader->totals(record.run.id);
  if (flags.json) return show_json(record, totals);
  const storage::RunRow& run = record.run;
  const Outcomes count = outcomes_of(record);
  std::string text = fmt::format("run {}: {}, {}", run.id, run.kind, run.state);
  if (!run.state_reason.empty()) text += fmt::format(" ({})", printable(run.state_reason));
  if (run.forked_from) text += fmt::format(", forked from run {}", *run.forked_from);
  text += fmt::format("\nbegun {} by elenchus {} with {}\n", utc(run.created_at),
                      printable(run.program), printable(run.model));
  text += fmt::format("{} accepted, {} refused, {} undecided, {} unfinished\n", count.accepted,
                      count.refused, count.undecided, count.unfinished);
  text += fmt::format(
      "{} calls in {} attempts ({} without an answer yet), {} prompt and {} output tokens, cost "
      "{:.2f}, {}\n",
      totals.calls, totals.attempts, totals.intended, totals.tokens_prompt, totals.tokens_output,
      totals.cost, short_time(double(totals.milliseconds) / 1000));
  text += '\n' + meaning_lines(run.meaning) + '\n' + problems_table(record) + '\n' +
          proofs_table(record);
  write_stdout(text);
  return ExitCode::Done;
}

ExitCode write_export(const std::filesystem::path& ledger, const RunsFlags& flags) {
  if (std::find(kExportFormats.begin(), kExportFormats.end(), flags.format) == kExportFormats.end())
    throw Exit(ExitCode::Usage, fmt::format("--format is '{}', but must be one of {}", flags.format,
                                            fmt::join(kExportFormats, ", ")));
  const auto reader = open_existing(ledger);
  const RunRecord record = read_run(*reader, find_run(*reader, flags.run));
  Output output(flags.file);
  const std::size_t written = export_run(*reader, record, flags.format, output);
  output.commit();
  if (flags.file != "-")
    fmt::print(stderr, "{} {} of run {} written to {}\n", written,
               flags.format == "csv"     ? "votes"
               : flags.format == "trace" ? "proofs"
                                         : "items",
               record.run.id, flags.file);
  return ExitCode::Done;
}

ExitCode back_up(const std::filesystem::path& ledger, const RunsFlags& flags) {
  open_existing(ledger);
  std::error_code ignored;
  if (std::filesystem::is_directory(flags.file, ignored))
    throw Exit(ExitCode::Usage, flags.file + ": is a directory; name a file in it");
  if (std::filesystem::equivalent(ledger, flags.file, ignored))
    throw Exit(ExitCode::Usage, flags.file + ": is the ledger itself; name another file");
  try {
    storage::back_up(ledger, flags.file);
  } catch (const std::exception& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
  if (flags.json)
    write_stdout(dumped({{"ledger", ledger.string()}, {"backup", flags.file}}));
  else
    fmt::print(stderr, "{} copied to {}\n", ledger.string(), flags.file);
  return ExitCode::Done;
}

ExitCode print_path(const std::filesystem::path& ledger, const RunsFlags& flags) {
  write_stdout(flags.json ? dumped({{"ledger", ledger.string()}}) : ledger.string() + '\n');
  return ExitCode::Done;
}

using Action = ExitCode (*)(const std::filesystem::path& ledger, const RunsFlags& flags);

// A command below `runs`, with the flags that all of them have.
CLI::App& add_leaf(CLI::App& runs, Invocation& invocation, std::shared_ptr<RunsFlags> flags,
                   Action action, std::array<const char*, 3> words) {
  CLI::App& leaf = add_command(runs, words[0], words[1], words[2]);
  if (action != write_export)
    leaf.add_flag("--json", flags->json, "JSON on standard output instead of a table");
  auto settings = add_setting_flags(leaf, {"Storage"});
  leaf.callback([&invocation, flags, settings, action] {
    invocation.run = [&invocation, flags, settings, action] {
      return action(ledger_of(*settings, invocation.environment), *flags);
    };
  });
  return leaf;
}

// What stands behind `runs` and is none of its commands, or no flag of the one that was given.
void refuse_unknown(const CLI::App& runs) {
  std::vector<std::string> names;
  std::string before = "runs";
  if (runs.get_subcommands().empty()) {
    for (const CLI::App* leaf : runs.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(leaf->get_name());
  } else {
    const CLI::App* leaf = runs.get_subcommands().front();
    before += " " + leaf->get_name();
    for (const CLI::Option* option : leaf->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string> words = runs.remaining(true);
  if (words.empty() && !runs.get_subcommands().empty()) return;
  if (words.empty())
    throw Exit(ExitCode::Usage,
               fmt::format("say what to do with runs: {}", fmt::join(names, ", ")));
  const auto near = text::nearest(words.front().substr(0, words.front().find('=')), names);
  throw Exit(ExitCode::Usage,
             fmt::format("'{}' is not expected behind `{}`; {}", words.front(), before,
                         near ? "did you mean '" + *near + "'?"
                              : "`elenchus " + before + " --help` tells what is"));
}

void add_run_number(CLI::App& leaf, RunsFlags& flags) {
  leaf.add_option("run", flags.run, "number of the run, from `elenchus runs list`")
      ->type_name("RUN")
      ->required();
}

}  // namespace

void add_runs(CLI::App& app, Invocation& invocation) {
  CLI::App& runs =
      add_command(app, "runs", "list, show, export and back up stored runs", "elenchus runs list");
  // What is no command below `runs` is told with the nearest one, and not by the parser.
  runs.require_subcommand(0, 1);
  runs.allow_extras();
  runs.callback([&runs] { refuse_unknown(runs); });
  auto flags = std::make_shared<RunsFlags>();
  add_leaf(runs, invocation, flags, list, {"list", "all runs, oldest first", "elenchus runs list"});
  CLI::App& shown = add_leaf(
      runs, invocation, flags, show,
      {"show", "one run: its meaning, totals, decisions and proofs", "elenchus runs show 3"});
  add_run_number(shown, *flags);
  CLI::App& exported = add_leaf(runs, invocation, flags, write_export,
                                {"export", "one run as a file for other programs and people",
                                 "elenchus runs export 3 --format md -o run3.md"});
  add_run_number(exported, *flags);
  exported.add_option("--format", flags->format, "form of the export [jsonl]")
      ->type_name("jsonl|csv|md|trace|deepseek");
  exported.add_option("-o,--output", flags->file, "file to write, - for standard output [-]")
      ->type_name("FILE");
  CLI::App& backup =
      add_leaf(runs, invocation, flags, back_up,
               {"backup", "a consistent copy of the whole ledger, also while a run is at work",
                "elenchus runs backup ledger-copy.sqlite"});
  backup.add_option("file", flags->file, "file to write")->type_name("FILE")->required();
  add_leaf(runs, invocation, flags, print_path,
           {"path", "where the ledger is", "elenchus runs path"});
}

}  // namespace apps
