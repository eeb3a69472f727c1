#include "apps/runs_export.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "audit/ledger_audit.h"
#include "audit/trace.h"
#include "formats/csv.h"
#include "text/words.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

// Texts that are not UTF-8 cannot stand in JSON: their bad bytes become U+FFFD.
std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// JSON that stands in the ledger as text.
Json stored_json(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(nullptr) : json;
}

Json issues_json(const storage::VoteRow& vote) {
  Json issues = Json::array();
  for (const storage::IssueRow& issue : vote.issues)
    issues.push_back({{"severity", issue.severity},
                      {"quote", issue.quote},
                      {"reason", issue.reason},
                      {"begin", json_of(issue.begin)},
                      {"end", json_of(issue.end)}});
  return issues;
}

Json vote_json(const CastVote& vote, const pipeline::Effort& effort) {
  Json meta = Json::array();
  for (const storage::MetaVoteRow& row : vote.meta)
    meta.push_back({{"outcome", row.outcome},
                    {"verdict", json_of(row.verdict)},
                    {"real", stored_json(row.real)},
                    {"consistent", json_of(row.consistent)}});
  return {{"index", vote.row.index},
          {"outcome", vote.row.outcome},
          {"score", json_of(vote.row.score)},
          {"standing", standing_words(vote, effort)},
          {"echo", vote.row.echo},
          {"note", vote.row.note},
          {"call", vote.row.call_key},
          {"issues", issues_json(vote.row)},
          {"meta_votes", std::move(meta)}};
}

Json decision_json(const std::optional<storage::DecisionRow>& decision) {
  if (!decision) return nullptr;
  return {{"rule", decision->rule},
          {"version", decision->rule_version},
          {"outcome", decision->outcome},
          {"numbers", stored_json(decision->numbers)}};
}

Json proof_json(const RunRecord& record, const storage::ProofRow& proof) {
  const JudgedText& judged = record.judged_text(proof);
  Json votes = Json::array();
  for (const CastVote& vote : judged.votes) votes.push_back(vote_json(vote, record.effort));
  return {{"key", proof.key},
          {"round", proof.round},
          {"text", proof.text},
          {"self_score", json_of(proof.self_score)},
          {"flags", stored_json(proof.flags)},
          {"decision", decision_json(judged.decision)},
          {"tally", tally_json(judged.tally)},
          {"votes", std::move(votes)}};
}

std::size_t write_jsonl(const RunRecord& record, Output& output) {
  for (const RunItem& item : record.items) {
    Json json{{"run", record.run.id},
              {"kind", record.run.kind},
              {"id", item.id},
              {"source", item.problem.source},
              {"problem", item.problem.statement}};
    json["outcome"] = item.decision ? Json(item.decision->outcome) : Json(nullptr);
    json["decision"] = decision_json(item.decision);
    json["proofs"] = item.proofs.size();
    json["best"] = item.best ? proof_json(record, item.proofs[*item.best]) : Json(nullptr);
    json["metadata"] = stored_json(item.problem.metadata);
    output.write(line_of(json));
  }
  return record.items.size();
}

// Each judged text of an item once, however many equal proofs there are.
std::vector<const storage::ProofRow*> texts_of(const RunItem& item) {
  std::set<std::string> seen;
  std::vector<const storage::ProofRow*> texts;
  for (const storage::ProofRow& proof : item.proofs)
    if (seen.insert(proof.content_key).second) texts.push_back(&proof);
  return texts;
}

std::size_t count_verdicts(const CastVote& vote, std::string_view verdict) {
  std::size_t count = 0;
  for (const storage::MetaVoteRow& row : vote.meta) count += row.verdict == verdict ? 1 : 0;
  return count;
}

std::size_t write_csv(const RunRecord& record, Output& output) {
  const std::vector<std::string> names{
      "run",  "id",     "proof",      "round",       "vote",        "outcome", "score", "standing",
      "echo", "issues", "meta_votes", "meta_upheld", "meta_struck", "note",    "call"};
  output.write(formats::csv_line(names));
  std::size_t rows = 0;
  for (const RunItem& item : record.items)
    for (const storage::ProofRow* proof : texts_of(item))
      for (const CastVote& vote : record.judged_text(*proof).votes) {
        const std::vector<std::string> cells{std::to_string(record.run.id),
                                             item.id,
                                             proof->key,
                                             std::to_string(proof->round),
                                             std::to_string(vote.row.index),
                                             vote.row.outcome,
                                             vote.row.score.value_or(""),
                                             standing_words(vote, record.effort),
                                             vote.row.echo ? "yes" : "no",
                                             std::to_string(vote.row.issues.size()),
                                             std::to_string(vote.meta.size()),
                                             std::to_string(count_verdicts(vote, "upheld")),
                                             std::to_string(count_verdicts(vote, "struck")),
                                             vote.row.note,
                                             vote.row.call_key};
        output.write(formats::csv_line(cells));
        ++rows;
      }
  return rows;
}

// Every line as a quotation, so that a stranger's heading is none of this document's.
std::string quotation(std::string_view text) {
  std::string lines;
  for (const std::string_view line : text::lines_of(text)) {
    lines += line.empty() ? ">" : "> ";
    lines.append(line);
    lines += '\n';
  }
  return lines;
}

std::string issues_markdown(const RunRecord& record, const storage::ProofRow& proof) {
  std::string text;
  for (const CastVote& vote : record.judged_text(proof).votes)
    for (const storage::IssueRow& issue : vote.row.issues) {
      const std::string place =
          issue.begin ? fmt::format(", at byte {}", *issue.begin) : ", not found in the proof";
      text += fmt::format("- vote {}, {}, {}{}\n\n{}\n", vote.row.index,
                          standing_words(vote, record.effort), issue.severity,
                          issue.quote.empty() ? "" : place, quotation(issue.quote));
      text += quotation("Reason: " + issue.reason) + '\n';
    }
  return text;
}

std::string markdown_of(const RunRecord& record, const RunItem& item) {
  std::string text = fmt::format("# {}\n\n## Problem\n\n{}\n", text::trim(item.id),
                                 quotation(item.problem.statement));
  text += fmt::format("## Verdict: {}\n\n", item.outcome());
  const std::string reason = reason_of(item.decision);
  if (!reason.empty()) text += reason + ".\n\n";
  if (!item.best) return text + "There is no judged proof.\n\n";
  const storage::ProofRow& proof = item.proofs[*item.best];
  const pipeline::Tally& tally = record.judged_text(proof).tally;
  text += fmt::format(
      "Votes: {} planned, {} requested, {} returned, {} parsed, {} struck; {} of {} counted are "
      "1.\n\n## Proof\n\n{}\n",
      tally.planned, tally.requested, tally.returned, tally.parsed, tally.struck, tally.positive,
      tally.counted, quotation(proof.text));
  const std::string issues = issues_markdown(record, proof);
  return text + "## Issues\n\n" + (issues.empty() ? "None was named.\n\n" : issues);
}

std::size_t write_markdown(const RunRecord& record, Output& output) {
  for (const RunItem& item : record.items) output.write(markdown_of(record, item));
  return record.items.size();
}

std::size_t write_traces(const storage::LedgerReader& reader, const RunRecord& record,
                         Output& output) {
  const std::vector<audit::Trace> traces = audit::traces_of_run(reader, record.run);
  for (const audit::Trace& trace : traces) output.write(audit::write_trace(trace));
  return traces.size();
}

// The mark that a person gave this text or its problem, if any: {"score": ...}.
Json human_mark(const std::vector<storage::AnnotationRow>& annotations,
                const storage::ProofRow& proof) {
  Json mark = nullptr;
  for (const storage::AnnotationRow& row : annotations) {
    if (row.kind != "mark" || row.content_key != proof.content_key) continue;
    const Json body = stored_json(row.body);
    if (body.is_object() && body.contains("score")) mark = body["score"];
  }
  return mark;
}

// No proof: no line. A proof without a counted vote has no average, and none is made up for it.
std::size_t write_deepseek(const storage::LedgerReader& reader, const RunRecord& record,
                           Output& output) {
  const std::vector<storage::AnnotationRow> annotations = reader.annotations(record.run.id);
  std::size_t lines = 0;
  for (const RunItem& item : record.items) {
    if (!item.best) continue;
    const storage::ProofRow& proof = item.proofs[*item.best];
    const pipeline::Tally& tally = record.judged_text(proof).tally;
    Json prediction{{"proof", proof.text}};
    prediction["average_automatic_rating"] = tally.counted > 0 ? Json(tally.mean()) : Json(nullptr);
    if (Json mark = human_mark(annotations, proof); !mark.is_null())
      prediction["human_rating"] = std::move(mark);
    output.write(line_of({{"question", item.problem.statement},
                          {"problem_idx", item.id},
                          {"model_prediction", std::move(prediction)}}));
    ++lines;
  }
  return lines;
}

}  // namespace

nlohmann::ordered_json tally_json(const pipeline::Tally& t) {
  const pipeline::Interval interval = pipeline::wilson(t.positive, t.counted);
  Json json{{"planned", t.planned}, {"requested", t.requested}, {"returned", t.returned},
            {"parsed", t.parsed},   {"struck", t.struck},       {"open", t.open},
            {"counted", t.counted}, {"positive", t.positive}};
  json["mean"] = t.counted > 0 ? Json(t.mean()) : Json(nullptr);
  json["positive_share_low"] = interval.low;
  json["positive_share_high"] = interval.high;
  return json;
}

std::size_t export_run(const storage::LedgerReader& reader, const RunRecord& record,
                       std::string_view format, Output& output) {
  if (format == "jsonl") return write_jsonl(record, output);
  if (format == "csv") return write_csv(record, output);
  if (format == "md") return write_markdown(record, output);
  if (format == "trace") return write_traces(reader, record, output);
  if (format == "deepseek") return write_deepseek(reader, record, output);
  throw std::logic_error("no such form of export: " + std::string(format));
}

}  // namespace apps
