#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/conduct.h"
#include "apps/output.h"
#include "audit/calibration.h"
#include "audit/ledger_audit.h"
#include "formats/marks.h"
#include "formats/problems.h"
#include "text/sha256.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

struct CalibrateFlags {
  std::shared_ptr<SettingFlags> settings;
  std::vector<std::string> what;
  std::string map;
  std::string max;
  std::string output;
  double right = 0.85;
  double precision = 0.95;
  int64_t votes = 0;
  bool json = false;
};

struct Gathered {
  std::vector<audit::GradedProof> proofs;
  std::vector<audit::CalibrationSource> sources;
  std::vector<std::string> unusable;
};

void gather_file(const std::string& file, const CalibrateFlags& flags, Gathered& gathered) {
  try {
    formats::ReadOptions options;
    options.need = formats::Need::Proof;
    if (!flags.map.empty()) options.mapping = formats::parse_mapping(flags.map);
    const std::string bytes = formats::read_file(file);
    const formats::Table table = formats::table_of(bytes, file, options);
    for (const formats::RowError& error : table.errors)
      gathered.unusable.push_back(formats::to_text(error));
    for (const formats::Submission& row : table.rows) {
      formats::MarkQuery query{row.mark, flags.max, row.mark_max, row.problem.id,
                               row.problem.place};
      const auto human = formats::fraction_of(query);
      const auto mean = formats::decimal(row.mean);
      if (const auto* reason = std::get_if<std::string>(&human)) {
        gathered.unusable.push_back(*reason);
        continue;
      }
      if (!mean || *mean > 1) {
        gathered.unusable.push_back(
            fmt::format("{}: no mean score from 0 to 1 ('{}'); name its column with --map mean=...",
                        formats::to_text(row.problem.place), row.mean));
        continue;
      }
      gathered.proofs.push_back(
          {row.id, file, std::size_t(flags.votes), *mean, {}, std::get<double>(human)});
    }
    gathered.sources.push_back({file, text::sha256_hex(bytes), 0, {}, {}});
  } catch (const formats::FormatError& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
}

// The human marks of a graded run stand in its annotations, or beside it in a file of marks.
void gather_run(int64_t number, const storage::LedgerReader& reader, Gathered& gathered) {
  const auto run = reader.run(number);
  if (!run) throw Exit(ExitCode::Usage, fmt::format("there is no run {} in this ledger", number));
  const std::string source = fmt::format("run {}", number);
  std::map<std::string, double> marks;
  for (const storage::AnnotationRow& row : reader.annotations(number)) {
    const Json body = Json::parse(row.body, nullptr, false);
    if (row.kind == "mark" && row.content_key && body.is_object() && body.contains("fraction"))
      marks[*row.content_key] = body["fraction"].get<double>();
  }
  if (marks.empty())
    throw Exit(ExitCode::Usage,
               source + " holds no human mark: grade a file with a mark column, then calibrate");
  std::string seen;
  for (const auto& [content, votes] : audit::stored_votes(reader, number)) {
    const auto mark = marks.find(content);
    if (mark == marks.end()) continue;
    audit::GradedProof proof{content, source, 0, 0, {}, mark->second};
    for (const pipeline::Vote& vote : votes) {
      const int64_t meta = vote.meta.empty() ? 0 : 1;
      const pipeline::Standing standing = pipeline::standing_of(vote, meta);
      if (vote.outcome != pipeline::VoteOutcome::Parsed || standing == pipeline::Standing::Struck)
        continue;
      proof.scores.push_back(double(prompts::halves(vote.score)) / 2);
    }
    if (proof.scores.empty()) continue;
    proof.votes = proof.scores.size();
    for (const double score : proof.scores) proof.mean += score / double(proof.votes);
    if (std::all_of(proof.scores.begin(), proof.scores.end(), [](double s) { return s == 1; }))
      proof.mean = 1;
    seen += content + fmt::format("{}", proof.mean);
    gathered.proofs.push_back(std::move(proof));
  }
  gathered.sources.push_back({source, text::sha256_hex(seen), 0, {}, {}});
}

std::string interval_words(const std::optional<audit::Interval>& interval) {
  if (!interval) return "";
  return fmt::format(" (95 % interval {:.1f} to {:.1f} %)", 100 * interval->low,
                     100 * interval->high);
}

void print_text(const audit::Calibration& calibration, double precision) {
  fmt::print("right: a human mark of at least {:.0f} % of the maximum\n",
             100 * calibration.right_threshold);
  fmt::print("{:<40} {:>7} {:>9} {:>9} {:>8} {:>8}\n", "all votes 1 (`unanimous`)", "proofs",
             "accepted", "of them", "false", "refused");
  fmt::print("{:<40} {:>7} {:>9} {:>9} {:>8} {:>8}\n", "", "", "", "right", "accepts", "right");
  const audit::RuleOutcome* all = audit::find_rule(calibration, "unanimous");
  if (all == nullptr) return;
  const auto row = [](const std::string& name, const audit::Outcome& o) {
    const std::string shown = name.size() > 40 ? "..." + name.substr(name.size() - 37) : name;
    fmt::print("{:<40} {:>7} {:>9} {:>9} {:>8} {:>8}\n", shown, o.proofs, o.accepted,
               o.accepted_right, o.false_accepts, o.refused_right);
  };
  for (std::size_t i = 0; i < calibration.sources.size(); ++i)
    row(calibration.sources[i].name, all->by_source[i]);
  row("all", all->total);
  const audit::Outcome& total = all->total;
  if (total.precision)
    fmt::print("precision {:.1f} %{}\n", 100 * *total.precision,
               interval_words(total.precision_interval));
  if (total.false_accept_rate)
    fmt::print("false-accept rate {:.1f} % of the wrong proofs{}\n", 100 * *total.false_accept_rate,
               interval_words(total.false_accept_rate_interval));
  if (calibration.pearson)
    fmt::print("Pearson of mean and mark {:.3f}, mean absolute error {:.3f}\n",
               *calibration.pearson, calibration.mean_absolute_error.value_or(0));
  if (const audit::RuleOutcome* best = audit::recommended_rule(calibration, precision))
    fmt::print("for a precision of {:.1f} %: `{}` accepts {} proofs, {} of them right\n",
               100 * precision, audit::name_of(*best), best->total.accepted,
               best->total.accepted_right);
  else
    fmt::print("no rule reaches a precision of {:.1f} % on these proofs\n", 100 * precision);
}

Json outcome_json(const audit::Outcome& o) {
  Json json{{"proofs", o.proofs},
            {"accepted", o.accepted},
            {"accepted_right", o.accepted_right},
            {"false_accepts", o.false_accepts},
            {"refused_right", o.refused_right}};
  if (o.precision) json["precision"] = *o.precision;
  if (o.precision_interval)
    json["precision_95"] = {o.precision_interval->low, o.precision_interval->high};
  if (o.false_accept_rate) json["false_accept_rate"] = *o.false_accept_rate;
  if (o.false_accept_rate_interval)
    json["false_accept_rate_95"] = {o.false_accept_rate_interval->low,
                                    o.false_accept_rate_interval->high};
  return json;
}

void print_json(const audit::Calibration& calibration, double precision, std::size_t unusable) {
  const audit::RuleOutcome* all = audit::find_rule(calibration, "unanimous");
  fmt::print("{}\n", Json{{"event", "launch"}, {"sources", calibration.sources.size()}}.dump());
  for (std::size_t i = 0; i < calibration.sources.size(); ++i) {
    Json json{{"event", "source"}, {"source", calibration.sources[i].name}, {"rule", "unanimous"}};
    json.update(outcome_json(all->by_source[i]));
    if (calibration.sources[i].pearson) json["pearson"] = *calibration.sources[i].pearson;
    fmt::print("{}\n", json.dump());
  }
  for (const audit::RuleOutcome& rule : calibration.rules) {
    Json json{{"event", "rule"}, {"rule", audit::name_of(rule)}};
    json.update(outcome_json(rule.total));
    fmt::print("{}\n", json.dump());
  }
  Json done{{"event", "done"}, {"rule", "unanimous"}};
  done.update(outcome_json(all->total));
  if (calibration.pearson) done["pearson"] = *calibration.pearson;
  if (calibration.mean_absolute_error)
    done["mean_absolute_error"] = *calibration.mean_absolute_error;
  if (const audit::RuleOutcome* best = audit::recommended_rule(calibration, precision))
    done["recommended"] = audit::name_of(*best);
  done["unusable"] = unusable;
  fmt::print("{}\n", done.dump());
}

ExitCode calibrate(const CalibrateFlags& flags, const Environment& environment) {
  if (flags.what.empty())
    throw Exit(ExitCode::Usage, "name files of human-graded proofs, or runs by number");
  Gathered gathered;
  std::unique_ptr<storage::LedgerReader> reader;
  for (const std::string& word : flags.what) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    std::error_code ignored;
    const bool run = error == std::errc() && end == word.data() + word.size() &&
                     !std::filesystem::exists(word, ignored);
    if (!run) {
      gather_file(word, flags, gathered);
      continue;
    }
    if (!reader)
      reader = open_reader(make_config(resolve(*flags.settings, environment), environment).ledger);
    gather_run(number, *reader, gathered);
  }
  for (const std::string& line : gathered.unusable) fmt::print(stderr, "left out: {}\n", line);
  if (gathered.proofs.empty())
    throw Exit(ExitCode::Usage, "no proof with both a mean score and a human mark was found");
  const audit::Calibration calibration =
      audit::fit_calibration(gathered.proofs, gathered.sources, flags.right);
  if (flags.json)
    print_json(calibration, flags.precision, gathered.unusable.size());
  else
    print_text(calibration, flags.precision);
  if (!flags.output.empty()) {
    write_whole_file(flags.output, audit::write_calibration(calibration));
    fmt::print(stderr, "{} is written; --calibration {} loads it\n", flags.output, flags.output);
  }
  return gathered.unusable.empty() ? ExitCode::Done : ExitCode::ItemFailed;
}

}  // namespace

void add_calibrate(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<CalibrateFlags>();
  CLI::App& command =
      add_command(app, "calibrate", "measure on human-graded proofs what \"accepted\" is worth",
                  "elenchus calibrate graded/*.jsonl -o calibration.json");
  flags->settings = add_setting_flags(command, {"Storage"});
  command
      .add_option("what", flags->what,
                  "files with a proof's mean score and human mark, or graded runs by number")
      ->type_name("FILE|RUN");
  command.add_option("--map", flags->map, "columns, as in mean=score,mark=points")
      ->type_name("OURS=THEIRS,...");
  command.add_option("--max", flags->max, "best mark there is, for marks without one")
      ->type_name("X");
  command.add_option("--right", flags->right, "share of the maximum from which a proof is right")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--precision", flags->precision, "precision that a rule is sought for")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--votes", flags->votes, "votes behind each mean, if the files do not say");
  command.add_option("-o,--output", flags->output, "calibration file to write")->type_name("FILE");
  command.add_flag("--json", flags->json, "JSON Lines on stdout, `done` last");
  command.callback([flags, &invocation] {
    invocation.run = [flags, &invocation] { return calibrate(*flags, invocation.environment); };
  });
}

}  // namespace apps
