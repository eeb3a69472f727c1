#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "apps/audit_rederive.h"
#include "apps/command.h"
#include "apps/conduct.h"
#include "audit/checks.h"
#include "audit/ledger_audit.h"
#include "formats/problems.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

struct AuditFlags {
  std::shared_ptr<SettingFlags> settings;
  std::vector<std::string> what;
  bool replay = false;
  bool rules = false;
  bool decisions = false;
  int64_t rederive = 0;
  bool json = false;
  bool strict = false;
};

// What was looked at and what was found, over all that the command line names.
struct Report {
  std::size_t records = 0;
  std::size_t unreadable = 0;
  std::size_t traces = 0;
  std::size_t faults = 0;
  std::size_t doubts = 0;
};

std::optional<int64_t> run_number(const std::string& word) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

void print_finding(const audit::Finding& finding, const AuditFlags& flags, Report& report) {
  ++(finding.severity == audit::Severity::Fault ? report.faults : report.doubts);
  if (!flags.json) {
    fmt::print("{}  {}\n", audit::to_text(finding.severity), audit::to_text(finding));
    return;
  }
  Json json{{"event", "finding"},
            {"severity", audit::to_text(finding.severity)},
            {"kind", audit::to_text(finding.kind)},
            {"place", formats::to_text(finding.place)},
            {"id", finding.id},
            {"sentence", finding.sentence}};
  if (finding.vote) json["vote"] = *finding.vote;
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void print_fault(const std::string& kind, const std::string& place, const std::string& sentence,
                 const AuditFlags& flags, Report& report) {
  ++report.faults;
  if (flags.json)
    fmt::print("{}\n", Json{{"event", "finding"},
                            {"severity", "fault"},
                            {"kind", kind},
                            {"place", place},
                            {"sentence", sentence}}
                           .dump(-1, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("fault  {}: {}: {}\n", place, kind, sentence);
}

void audit_file(const std::string& file, const AuditFlags& flags, Report& report) {
  audit::Traces traces;
  try {
    traces = audit::read_traces(formats::read_file(file), file);
  } catch (const formats::FormatError& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
  report.records += traces.records;
  report.unreadable += traces.errors.size();
  report.traces += traces.traces.size();
  if (!flags.json)
    fmt::print("{}: {} record(s) of {}, {} proof(s)\n", file, traces.records,
               audit::to_text(traces.origin), traces.traces.size());
  for (const formats::RowError& error : traces.errors)
    fmt::print(stderr, "not read whole: {}\n", formats::to_text(error));
  for (const audit::Finding& finding : audit::check_traces(traces.traces))
    print_finding(finding, flags, report);
}

void print_decisions(const storage::LedgerReader& reader, const storage::RunRow& run,
                     const AuditFlags& flags) {
  for (const storage::DecisionRow& row : reader.decisions(run.id)) {
    const std::string about = row.content_key.value_or(row.problem_sha256.substr(0, 16));
    if (flags.json)
      fmt::print("{}\n", Json{{"event", "decision"},
                              {"run", run.id},
                              {"about", about},
                              {"rule", row.rule},
                              {"rule_version", row.rule_version},
                              {"outcome", row.outcome},
                              {"numbers", Json::parse(row.numbers, nullptr, false)}}
                             .dump());
    else
      fmt::print("{:<36} {:<10} {:<10} {}\n", about, row.rule, row.outcome, row.numbers);
  }
}

void print_rules(const audit::RuleTable& table, const AuditFlags& flags) {
  if (flags.json) {
    Json json{{"event", "rules"}, {"texts", table.texts}, {"rules", Json::array()}};
    for (const audit::RuleCounts& counts : table.rules)
      json["rules"].push_back({{"rule", to_text(counts.rule)},
                               {"accepted", counts.with_meta[0]},
                               {"refused", counts.with_meta[1]},
                               {"undecided", counts.with_meta[2]},
                               {"accepted_without_meta", counts.without_meta[0]},
                               {"refused_without_meta", counts.without_meta[1]},
                               {"undecided_without_meta", counts.without_meta[2]}});
    json["differing"] = Json::array();
    for (const audit::RuleTable::Row& row : table.differing) {
      Json outcomes;
      for (std::size_t i = 0; i < row.outcomes.size(); ++i)
        outcomes[std::string(to_text(table.rules[i].rule))] = to_text(row.outcomes[i]);
      json["differing"].push_back({{"content", row.content_key}, {"outcomes", outcomes}});
    }
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("the same votes under every rule ({} texts); right: without meta-verification\n",
             table.texts);
  fmt::print("{:<12} {:>8} {:>8} {:>10}   {:>8} {:>8} {:>10}\n", "rule", "accepted", "refused",
             "undecided", "accepted", "refused", "undecided");
  for (const audit::RuleCounts& counts : table.rules)
    fmt::print("{:<12} {:>8} {:>8} {:>10}   {:>8} {:>8} {:>10}\n", to_text(counts.rule),
               counts.with_meta[0], counts.with_meta[1], counts.with_meta[2],
               counts.without_meta[0], counts.without_meta[1], counts.without_meta[2]);
  constexpr std::size_t kShown = 20;
  for (std::size_t i = 0; i < std::min(kShown, table.differing.size()); ++i) {
    std::string line = fmt::format("{:<36}", table.differing[i].content_key);
    for (const pipeline::Outcome outcome : table.differing[i].outcomes)
      line += fmt::format(" {:<10}", to_text(outcome));
    fmt::print("{}\n", line);
  }
  if (table.differing.size() > kShown)
    fmt::print("and {} more texts on which rules differ\n", table.differing.size() - kShown);
}

void print_replay(const audit::Replay& replay, const storage::RunRow& run, const AuditFlags& flags,
                  Report& report) {
  const std::string place = fmt::format("run {}", run.id);
  for (const std::string& fault : replay.faults)
    print_fault("replay-differs", place, fault, flags, report);
  if (flags.json)
    fmt::print("{}\n", Json{{"event", "replay"},
                            {"run", run.id},
                            {"items", replay.items},
                            {"calls", replay.calls},
                            {"decisions", replay.decisions},
                            {"unfinished", replay.unfinished},
                            {"faults", replay.faults.size()}}
                           .dump());
  else
    fmt::print(
        "replay of run {}: {} item(s), {} call(s) from the ledger, {} decision(s) "
        "compared, {}{}\n",
        run.id, replay.items, replay.calls, replay.decisions,
        replay.faults.empty() ? "all reached again"
                              : fmt::format("{} differ", replay.faults.size()),
        replay.unfinished > 0 ? fmt::format("; {} item(s) were not finished", replay.unfinished)
                              : "");
}

void print_rederived(const audit::Rederived& again, const storage::RunRow& run,
                     const AuditFlags& flags, Report& report) {
  for (const std::string& fault : again.faults)
    print_fault("answer-differs", fmt::format("run {}", run.id), fault, flags, report);
  if (flags.json)
    fmt::print("{}\n",
               Json{{"event", "rederive"}, {"calls", again.asked}, {"same", again.same}}.dump());
  else if (again.asked == 0)
    fmt::print(
        "no answer of run {} was given by a model of this machine: nothing to derive again\n",
        run.id);
  else
    fmt::print("{} of {} answers of run {} derived again are the same to the byte\n", again.same,
               again.asked, run.id);
}

void audit_run(int64_t number, const storage::LedgerReader& reader, const AuditFlags& flags,
               const Environment& environment, Report& report) {
  const auto run = reader.run(number);
  if (!run)
    throw Exit(
        ExitCode::Usage,
        fmt::format("there is no run {} in this ledger; `elenchus runs list` shows them", number));
  const std::string place = fmt::format("run {}", number);
  const bool everything = !flags.replay && !flags.rules && !flags.decisions && flags.rederive == 0;
  if (everything) {
    for (const std::string& line : reader.check())
      print_fault("damaged-ledger", place, line, flags, report);
    for (const std::string& line : audit::misread_votes(reader, *run))
      print_fault("misread-vote", place, line, flags, report);
    const std::vector<audit::Trace> traces = audit::traces_of_run(reader, *run);
    report.records += traces.size();
    report.traces += traces.size();
    for (const audit::Finding& finding : audit::check_traces(traces))
      print_finding(finding, flags, report);
  }
  if (flags.decisions) print_decisions(reader, *run, flags);
  if (everything || flags.replay)
    print_replay(audit::replay_run(reader, *run), *run, flags, report);
  if (everything || flags.rules) print_rules(audit::compare_rules(reader, *run), flags);
  if (flags.rederive > 0)
    print_rederived(rederive_run(resolve_over(*flags.settings, environment, *run), reader, *run,
                                 flags.rederive),
                    *run, flags, report);
}

// The last run if nothing is named.
int64_t last_run(const storage::LedgerReader& reader) {
  const std::vector<storage::RunRow> runs = reader.runs();
  if (runs.empty())
    throw Exit(ExitCode::Usage, "this ledger holds no run, and no trace file was named");
  return runs.back().id;
}

ExitCode audit_command(const AuditFlags& flags, const Environment& environment) {
  std::vector<std::string> files;
  std::vector<int64_t> runs;
  for (const std::string& word : flags.what) {
    std::error_code ignored;
    const auto number = run_number(word);
    if (number && !std::filesystem::exists(word, ignored))
      runs.push_back(*number);
    else
      files.push_back(word);
  }
  Report report;
  for (const std::string& file : files) audit_file(file, flags, report);
  if (!runs.empty() || files.empty()) {
    const Config config = make_config(resolve(*flags.settings, environment), environment);
    const auto reader = open_reader(config.ledger);
    if (runs.empty()) runs.push_back(last_run(*reader));
    try {
      for (const int64_t run : runs) audit_run(run, *reader, flags, environment, report);
    } catch (const std::runtime_error& error) {
      if (dynamic_cast<const Exit*>(&error) != nullptr) throw;
      throw Exit(ExitCode::Backend, fmt::format("{}: {}", config.ledger.string(), error.what()));
    }
  }
  const bool found = report.faults > 0 || (flags.strict && report.doubts > 0);
  const ExitCode code = found                   ? ExitCode::BelowGate
                        : report.unreadable > 0 ? ExitCode::ItemFailed
                                                : ExitCode::Done;
  if (flags.json)
    fmt::print("{}\n", Json{{"event", "done"},
                            {"records", report.records},
                            {"not_read", report.unreadable},
                            {"proofs", report.traces},
                            {"faults", report.faults},
                            {"doubts", report.doubts},
                            {"exit", static_cast<int>(code)}}
                           .dump());
  else
    fmt::print("{}{} fault(s), {} doubt(s){}\n",
               // With --replay alone no record is looked at.
               report.records == 0
                   ? ""
                   : fmt::format("{} record(s), {} proof(s): ", report.records, report.traces),
               report.faults, report.doubts,
               report.unreadable > 0 ? fmt::format(", {} not read whole", report.unreadable) : "");
  return code;
}

}  // namespace

void add_audit(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<AuditFlags>();
  CLI::App& command =
      add_command(app, "audit",
                  "check a run, or a published verification trace, with no model: exit 10 if "
                  "anything is found",
                  "elenchus audit 3 --replay");
  flags->settings = add_setting_flags(command, {"Storage", "Model", "Engine"});
  command
      .add_option("what", flags->what,
                  "runs by number, or files: our traces, DeepSeek-Math-V2 outputs and pools, Momus "
                  "logs; the last run if nothing is named")
      ->type_name("RUN|FILE");
  command.add_flag("--replay", flags->replay,
                   "only make the run again from its ledger and compare every decision");
  command.add_flag("--rules", flags->rules, "only compare all rules over the same votes");
  command.add_flag("--decisions", flags->decisions, "only list every decision with its numbers");
  command
      .add_option("--rederive", flags->rederive,
                  "ask so many recorded calls again of the run's own model, which must be one of "
                  "this machine, and compare the answers byte by byte")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  command.add_flag("--strict", flags->strict, "doubts count as findings too");
  command.add_flag("--json", flags->json, "JSON Lines on stdout, `done` last");
  command.callback([flags, &invocation] {
    invocation.run = [flags, &invocation] { return audit_command(*flags, invocation.environment); };
  });
}

}  // namespace apps
