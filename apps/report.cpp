#include "apps/report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/problems.h"
#include "text/utf8.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

Json tally_json(const pipeline::Tally& t) {
  const pipeline::Interval interval = pipeline::wilson(t.positive, t.counted);
  return {{"planned", t.planned},   {"requested", t.requested},
          {"returned", t.returned}, {"parsed", t.parsed},
          {"struck", t.struck},     {"open", t.open},
          {"counted", t.counted},   {"positive", t.positive},
          {"mean", t.mean()},       {"positive_share_95", {interval.low, interval.high}}};
}

// The calibrated rule that is the effort's, if the file has it.
const audit::RuleOutcome* rule_in(const std::optional<audit::Calibration>& calibration,
                                  const pipeline::Effort& effort) {
  if (!calibration) return nullptr;
  if (effort.rule != pipeline::Rule::Mean || effort.votes.mean_threshold >= 1) {
    const std::string name = effort.rule == pipeline::Rule::Mean
                                 ? "unanimous"  // a mean of 1 is every vote passing
                                 : std::string(to_text(effort.rule));
    return audit::find_rule(*calibration, name);
  }
  for (const audit::RuleOutcome& rule : calibration->rules)
    if (rule.kind == audit::RuleKind::Mean && rule.threshold == effort.votes.mean_threshold)
      return &rule;
  return nullptr;
}

}  // namespace

std::string tally_words(const pipeline::Tally& t) {
  const pipeline::Interval interval = pipeline::wilson(t.positive, t.counted);
  std::string words = fmt::format("{} requested, {} returned, {} parsed, {} struck", t.requested,
                                  t.returned, t.parsed, t.struck);
  if (t.open > 0) words += fmt::format(", {} open", t.open);
  if (t.counted > 0)
    words += fmt::format("; {} of {} counted are 1 (95 % interval {:.2f} to {:.2f})", t.positive,
                         t.counted, interval.low, interval.high);
  return words;
}

std::string calibration_words(const std::optional<audit::Calibration>& calibration,
                              const pipeline::Effort& effort) {
  if (!calibration)
    return "expected false-accept rate: not known (no calibration file; see `elenchus calibrate`)";
  const audit::RuleOutcome* rule = rule_in(calibration, effort);
  if (rule == nullptr || !rule->total.false_accept_rate)
    return fmt::format("expected false-accept rate of `{}`: the calibration file cannot tell",
                       to_text(effort.rule));
  const audit::Outcome& total = rule->total;
  return fmt::format(
      "expected false-accept rate of `{}`: {:.1f} % of wrong proofs (95 % interval {:.1f} to "
      "{:.1f} "
      "%; {} of {} accepted were right)",
      audit::name_of(*rule), 100 * *total.false_accept_rate,
      100 * total.false_accept_rate_interval->low, 100 * total.false_accept_rate_interval->high,
      total.accepted_right, total.accepted);
}

std::optional<audit::Calibration> load_calibration(const Config& config) {
  if (!config.calibration) return std::nullopt;
  try {
    const std::string file = config.calibration->string();
    return audit::read_calibration(formats::read_file(file), file);
  } catch (const std::exception& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
}

std::string result_json(const pipeline::Item& item, const pipeline::ItemResult& result,
                        const pipeline::Effort& effort,
                        const std::optional<audit::Calibration>& calibration) {
  Json json{{"event", "result"},
            {"id", item.name},
            {"outcome", to_text(result.outcome)},
            {"reason", result.reason},
            {"stopped", result.stopped}};
  if (!item.proof) json["proofs"] = result.proofs;
  if (result.best) {
    const pipeline::Judgement& judgement = result.best->judgement;
    json["round"] = result.best->round;
    json["proof_key"] = result.best->key;
    json["rule"] = to_text(judgement.decision.rule);
    if (judgement.decision.score_halves)
      json["score"] = double(*judgement.decision.score_halves) / 2;
    json["votes"] = tally_json(judgement.tally);
    if (judgement.stopped_early) json["stopped_early"] = *judgement.stopped_early;
    if (!judgement.flags.empty())
      json["flags"] = Json::parse(pipeline::flags_json(judgement.flags));
    if (!item.proof) json["proof"] = text::repair_utf8(result.best->proof);
  }
  const audit::RuleOutcome* rule = rule_in(calibration, effort);
  if (rule != nullptr && rule->total.false_accept_rate)
    json["expected_false_accept_rate"] = *rule->total.false_accept_rate;
  return json.dump();
}

std::string launch_json(const storage::RunRow& run, bool continued, std::size_t items) {
  const Json json{{"event", "launch"},      {"run", run.id},         {"kind", run.kind},
                  {"continued", continued}, {"items", items},        {"model", run.model},
                  {"seed", run.seed},       {"program", run.program}};
  return json.dump();
}

std::string done_json(const Conducted& conducted, ExitCode code, std::size_t accepted,
                      std::size_t refused, std::size_t undecided) {
  Json json{{"event", "done"},
            {"run", conducted.run.id},
            {"exit", static_cast<int>(code)},
            {"accepted", accepted},
            {"refused", refused},
            {"undecided", undecided},
            {"calls", conducted.totals.calls},
            {"attempts", conducted.totals.attempts},
            {"tokens_prompt", conducted.totals.tokens_prompt},
            {"tokens_output", conducted.totals.tokens_output},
            {"cost", conducted.totals.cost}};
  if (conducted.stop) json["stopped"] = conducted.stop->reason;
  return json.dump();
}

std::string stop_words(const Conducted& conducted, const std::filesystem::path& ledger) {
  return fmt::format(
      "run {} stopped: {}. All that was answered is in {}; `elenchus {} --resume {}{}` goes on",
      conducted.run.id, conducted.stop->reason, ledger.string(), conducted.run.kind,
      conducted.run.id,
      conducted.stop->kind == pipeline::Stop::Kind::Budget ? " with a larger budget" : "");
}

}  // namespace apps
