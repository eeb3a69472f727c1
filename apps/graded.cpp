#include "apps/graded.h"

#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "formats/csv.h"
#include "pipeline/reading.h"
#include "text/utf8.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kRightFrom = 0.85;  // of the maximum: 6 of 7 marks
constexpr std::size_t kQueueShown = 20;

Json figure_json(const audit::Figure& figure) {
  Json json;
  json["value"] = figure.value ? Json(*figure.value) : Json(nullptr);
  if (figure.interval) json["interval_95"] = {figure.interval->low, figure.interval->high};
  return json;
}

std::string figure_words(const char* name, const audit::Figure& figure) {
  if (!figure.value) return fmt::format("  {:<22} -\n", name);
  std::string line = fmt::format("  {:<22} {:.3f}", name, *figure.value);
  if (figure.interval)
    line += fmt::format("  ({:.3f} to {:.3f})", figure.interval->low, figure.interval->high);
  return line + "\n";
}

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.6g}", *value) : "";
}

std::string line(const std::vector<std::string>& cells) { return formats::csv_line(cells); }

const pipeline::Tally& tally_of(const Graded& graded) {
  static const pipeline::Tally none;
  return graded.result.best ? graded.result.best->judgement.tally : none;
}

}  // namespace

std::optional<double> score_of(const Graded& graded) {
  if (!graded.result.best || graded.result.stopped) return std::nullopt;
  const pipeline::Judgement& judgement = graded.result.best->judgement;
  if (judgement.decision.score_halves && judgement.decision.outcome != pipeline::Outcome::Undecided)
    return double(*judgement.decision.score_halves) / 2;
  if (judgement.tally.counted == 0) return std::nullopt;
  return judgement.tally.mean();
}

double dispute_of(const Graded& graded) {
  const pipeline::Tally& t = tally_of(graded);
  if (t.parsed == 0) return 0;
  return double(std::min(t.positive, t.parsed - t.positive)) / double(t.parsed);
}

void add_issues(std::vector<Graded>& graded, const Job& job, const storage::LedgerReader& reader,
                int64_t run) {
  std::map<std::string, std::vector<std::size_t>> by_content;
  for (std::size_t i = 0; i < graded.size(); ++i)
    if (graded[i].result.best) by_content[graded[i].result.best->content_key].push_back(i);
  std::map<std::string, std::vector<storage::MetaVoteRow>> meta;
  for (storage::MetaVoteRow& row : reader.meta_votes(run))
    meta[row.vote_call_key].push_back(std::move(row));
  for (const storage::VoteRow& row : reader.votes(run)) {
    const auto found = by_content.find(row.content_key);
    if (found == by_content.end() || row.outcome != "parsed") continue;
    const pipeline::Vote vote = pipeline::vote_of(row, meta[row.call_key]);
    const bool asked = !vote.meta.empty();
    if (pipeline::standing_of(vote, asked ? 1 : 0) == pipeline::Standing::Struck) continue;
    const std::vector<bool> real = pipeline::real_issues(vote);
    for (const std::size_t i : found->second)
      for (std::size_t k = 0; k < row.issues.size(); ++k) {
        if (!real[k]) continue;
        const storage::IssueRow& issue = row.issues[k];
        Graded::Issue entry{issue.severity, issue.quote, issue.reason, 0, 1};
        if (issue.begin)
          entry.line = text::place_of(*job.items[i].proof, std::size_t(*issue.begin)).line;
        auto& issues = graded[i].issues;
        const auto same = std::find_if(issues.begin(), issues.end(), [&](const Graded::Issue& e) {
          return e.quote == entry.quote && e.severity == entry.severity;
        });
        if (same == issues.end())
          issues.push_back(std::move(entry));
        else
          ++same->votes;
      }
  }
  for (Graded& row : graded)
    std::stable_sort(
        row.issues.begin(), row.issues.end(),
        [](const Graded::Issue& a, const Graded::Issue& b) { return a.votes > b.votes; });
}

std::string graded_json(const Graded& graded) {
  const pipeline::Tally& t = tally_of(graded);
  Json json{{"id", graded.id},
            {"problem", graded.problem},
            {"outcome", to_text(graded.result.outcome)},
            {"reason", graded.result.reason},
            {"finished", !graded.result.stopped}};
  const std::optional<double> score = score_of(graded);
  json["score"] = score ? Json(*score) : Json(nullptr);
  if (graded.human) json["human"] = *graded.human;
  if (!graded.human_error.empty()) json["human_error"] = graded.human_error;
  json["votes"] = {{"requested", t.requested}, {"returned", t.returned}, {"parsed", t.parsed},
                   {"struck", t.struck},       {"open", t.open},         {"counted", t.counted},
                   {"positive", t.positive},   {"mean", t.mean()}};
  if (graded.result.best && !graded.result.best->judgement.flags.empty())
    json["flags"] = Json::parse(pipeline::flags_json(graded.result.best->judgement.flags));
  json["issues"] = Json::array();
  for (const Graded::Issue& issue : graded.issues)
    json["issues"].push_back({{"severity", issue.severity},
                              {"line", issue.line},
                              {"quote", issue.quote},
                              {"reason", issue.reason},
                              {"votes", issue.votes}});
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string graded_csv(const std::vector<Graded>& graded) {
  std::string csv =
      line({"id", "problem", "outcome", "score", "human", "requested", "returned", "parsed",
            "struck", "open", "counted", "positive", "mean", "reason", "issues"});
  for (const Graded& row : graded) {
    const pipeline::Tally& t = tally_of(row);
    std::string issues;
    for (const Graded::Issue& issue : row.issues)
      issues += fmt::format("[{}] line {}: {} -- {}\n", issue.severity, issue.line, issue.quote,
                            issue.reason);
    csv += line({row.id, row.problem, std::string(to_text(row.result.outcome)),
                 number(score_of(row)), number(row.human), std::to_string(t.requested),
                 std::to_string(t.returned), std::to_string(t.parsed), std::to_string(t.struck),
                 std::to_string(t.open), std::to_string(t.counted), std::to_string(t.positive),
                 fmt::format("{:.6g}", t.mean()), row.result.reason, issues});
  }
  return csv;
}

GradeSummary summarise(const std::vector<Graded>& graded) {
  GradeSummary summary;
  std::vector<audit::GradedPair> pairs;
  for (std::size_t i = 0; i < graded.size(); ++i) {
    const Graded& row = graded[i];
    if (row.result.stopped) {
      ++summary.unfinished;
      continue;
    }
    switch (row.result.outcome) {
      case pipeline::Outcome::Accepted:
        ++summary.accepted;
        break;
      case pipeline::Outcome::Refused:
        ++summary.refused;
        break;
      case pipeline::Outcome::Undecided:
        ++summary.undecided;
        summary.queue.push_back(i);
        break;
    }
    if (!row.human) continue;
    ++summary.with_mark;
    if (row.result.outcome != pipeline::Outcome::Undecided) {
      ++summary.decided_with_mark;
      const bool accepted = row.result.outcome == pipeline::Outcome::Accepted;
      if (accepted == (*row.human >= kRightFrom)) ++summary.decided_right;
    }
    if (const auto score = score_of(row)) pairs.push_back({row.id, *score, *row.human});
  }
  std::stable_sort(summary.queue.begin(), summary.queue.end(), [&](std::size_t a, std::size_t b) {
    return dispute_of(graded[a]) > dispute_of(graded[b]);
  });
  if (!pairs.empty()) summary.agreement = audit::measure_agreement(pairs);
  return summary;
}

std::string summary_words(const GradeSummary& summary, const std::vector<Graded>& graded) {
  std::string words = fmt::format("{} accepted, {} refused, {} undecided", summary.accepted,
                                  summary.refused, summary.undecided);
  if (summary.unfinished > 0) words += fmt::format(", {} not finished", summary.unfinished);
  words += "\n";
  if (summary.agreement) {
    const audit::Agreement& a = *summary.agreement;
    words +=
        fmt::format("agreement with human marks over {} submissions (95 % intervals):\n", a.pairs);
    words += figure_words("exact (0, 0.5, 1)", a.exact);
    words += figure_words("right or not", a.binarised);
    words += figure_words("mean absolute error", a.mean_absolute_error);
    words += figure_words("Pearson", a.pearson);
    words += figure_words("Kendall tau-b", a.kendall);
    words += figure_words("kappa, linear", a.kappa_linear);
    words += figure_words("kappa, quadratic", a.kappa_quadratic);
    words += "  confusion (rows: ours, columns: human; 0, 0.5, 1):\n";
    for (const auto& row : a.confusion)
      words += fmt::format("    {:>6} {:>6} {:>6}\n", row[0], row[1], row[2]);
    words += fmt::format("  decided {} of {}, {} of them rightly\n", summary.decided_with_mark,
                         summary.with_mark, summary.decided_right);
  }
  if (!summary.queue.empty()) {
    words += "undecided, to be looked at by a person, the most disputed first:\n";
    for (std::size_t i = 0; i < std::min(kQueueShown, summary.queue.size()); ++i) {
      const Graded& row = graded[summary.queue[i]];
      words +=
          fmt::format("  {:<32} {}; {}\n", row.id, row.result.reason, tally_words(tally_of(row)));
    }
    if (summary.queue.size() > kQueueShown)
      words += fmt::format("  and {} more\n", summary.queue.size() - kQueueShown);
  }
  return words;
}

std::string summary_json(const GradeSummary& summary, const std::vector<Graded>& graded) {
  Json json{{"event", "summary"},
            {"accepted", summary.accepted},
            {"refused", summary.refused},
            {"undecided", summary.undecided},
            {"unfinished", summary.unfinished}};
  if (summary.agreement) {
    const audit::Agreement& a = *summary.agreement;
    json["agreement"] = {{"pairs", a.pairs},
                         {"exact", figure_json(a.exact)},
                         {"binarised", figure_json(a.binarised)},
                         {"mean_absolute_error", figure_json(a.mean_absolute_error)},
                         {"pearson", figure_json(a.pearson)},
                         {"kendall", figure_json(a.kendall)},
                         {"kappa_linear", figure_json(a.kappa_linear)},
                         {"kappa_quadratic", figure_json(a.kappa_quadratic)},
                         {"confusion", a.confusion},
                         {"bins", a.bins},
                         {"farthest", a.farthest}};
    json["decided_with_mark"] = summary.decided_with_mark;
    json["decided_right"] = summary.decided_right;
    json["with_mark"] = summary.with_mark;
  }
  json["queue"] = Json::array();
  for (const std::size_t i : summary.queue)
    json["queue"].push_back({{"id", graded[i].id}, {"dispute", dispute_of(graded[i])}});
  return json.dump();
}

}  // namespace apps
