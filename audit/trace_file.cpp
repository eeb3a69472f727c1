#include <nlohmann/json.hpp>

#include "audit/strict_object.h"
#include "audit/trace_readers.h"
#include "formats/json.h"
#include "text/utf8.h"

// elenchus.trace/1: JSON Lines, one judged proof a line.
//
//   "schema"           "elenchus.trace/1"
//   "id", "problem", "proof"                       strings
//   "proof_truncated"                              true or false
//   "self_evaluation"                              string, may be empty
//   "requested", "returned", "parsed", "quorum"    whole numbers or null
//   "mean"                                         of the counted votes, or null
//   "accepted"                                     true, false or null (undecided)
//   "rule", "rule_threshold"                       string; number or null
//   "votes_in_order"                               true or false
//   "comments"                                     strings
//   "votes": [{"score"       "0", "0.5", "1", or "" where none could be read
//              "fraction"    number or null
//              "standing"    "counted", "struck" or "open"
//              "issues"      null, or [{"quote", "severity": "fatal" | "minor", "reason"}]
//              "text"        the report as it came
//              "truncated"   true or false}]
// Every name is written; on reading, those that may be null may be absent, and no other may be
// added: what a reader of this version does not know it could not judge.

namespace audit {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kSchema = "elenchus.trace/1";
constexpr std::size_t kIssuesMax = 1'000;  // of one vote

std::string_view to_text(Standing standing) {
  switch (standing) {
    case Standing::Counted:
      return "counted";
    case Standing::Struck:
      return "struck";
    case Standing::Open:
      return "open";
  }
  return "?";
}

template <class T>
ordered_json json_of(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json json_of(const TraceVote& vote) {
  ordered_json issues = nullptr;
  if (vote.issues) {
    issues = ordered_json::array();
    for (const TraceIssue& issue : *vote.issues)
      issues.push_back(
          {{"quote", issue.quote}, {"severity", issue.severity}, {"reason", issue.reason}});
  }
  return ordered_json{{"score", vote.score},
                      {"fraction", json_of(vote.fraction)},
                      {"standing", to_text(vote.standing)},
                      {"issues", std::move(issues)},
                      {"text", vote.text},
                      {"truncated", vote.truncated}};
}

double read_fraction(StrictObject& object, std::string_view name, double value) {
  if (!(value >= 0 && value <= 1)) object.fail(name, "is not within 0 to 1");
  return value;
}

TraceVote read_vote(StrictObject object) {
  TraceVote vote;
  vote.score = object.text("score");
  vote.fraction = object.optional_number("fraction");
  if (vote.fraction) read_fraction(object, "fraction", *vote.fraction);
  if (vote.score.empty() == vote.fraction.has_value())
    object.fail("fraction", "and \"score\" do not go together");
  const std::string standing = object.text("standing");
  bool known = false;
  for (const Standing each : {Standing::Counted, Standing::Struck, Standing::Open})
    if (standing == to_text(each)) {
      vote.standing = each;
      known = true;
    }
  if (!known) object.fail("standing", "is none of counted, struck and open");
  vote.text = object.text("text");
  vote.truncated = object.flag("truncated");
  if (const auto issues = object.optional_list("issues")) {
    if (issues->size() > kIssuesMax)
      object.fail("issues", "are more than " + std::to_string(kIssuesMax));
    vote.issues.emplace();
    for (const formats::Value& value : *issues) {
      StrictObject issue(value, object.where() + ".issues");
      TraceIssue read{issue.text("quote"), issue.text("severity"), issue.text("reason")};
      if (read.severity != "fatal" && read.severity != "minor")
        issue.fail("severity", "is neither fatal nor minor");
      issue.finish();
      vote.issues->push_back(std::move(read));
    }
  }
  object.finish();
  return vote;
}

}  // namespace

Trace read_own_record(const formats::Record& record) {
  StrictObject object({formats::Kind::Object, object_text(record)}, "trace");
  if (object.text("schema") != kSchema)
    object.fail("schema", "is not \"" + std::string(kSchema) + "\": written by another version");
  Trace trace;
  trace.origin = Origin::Elenchus;
  trace.place = record.place;
  trace.id = object.text("id");
  trace.problem = object.text("problem");
  trace.proof = object.text("proof");
  trace.proof_truncated = object.flag("proof_truncated");
  trace.self_evaluation = object.text("self_evaluation");
  trace.requested = object.optional_count("requested");
  trace.returned = object.optional_count("returned");
  trace.parsed = object.optional_count("parsed");
  trace.quorum = object.optional_count("quorum");
  trace.mean = object.optional_number("mean");
  if (trace.mean) read_fraction(object, "mean", *trace.mean);
  trace.accepted = object.optional_flag("accepted");
  trace.rule = object.text("rule");
  trace.rule_threshold = object.optional_number("rule_threshold");
  trace.votes_in_order = object.flag("votes_in_order");
  for (const formats::Value& comment : object.list("comments")) {
    if (comment.kind != formats::Kind::String) object.fail("comments", "are not all strings");
    if (trace.comments.size() == kVotesMax) object.fail("comments", "are too many");
    trace.comments.push_back(comment.text);
  }
  for (const formats::Value& vote : object.list("votes")) {
    if (trace.votes.size() == kVotesMax)
      object.fail("votes", "are more than " + std::to_string(kVotesMax));
    trace.votes.push_back(
        read_vote(StrictObject(vote, "votes." + std::to_string(trace.votes.size()))));
  }
  object.finish();
  return trace;
}

std::string write_trace(const Trace& trace) {
  ordered_json votes = ordered_json::array();
  for (const TraceVote& vote : trace.votes) votes.push_back(json_of(vote));
  const ordered_json line{{"schema", kSchema},
                          {"id", trace.id},
                          {"problem", trace.problem},
                          {"proof", trace.proof},
                          {"proof_truncated", trace.proof_truncated},
                          {"self_evaluation", trace.self_evaluation},
                          {"requested", json_of(trace.requested)},
                          {"returned", json_of(trace.returned)},
                          {"parsed", json_of(trace.parsed)},
                          {"quorum", json_of(trace.quorum)},
                          {"mean", json_of(trace.mean)},
                          {"accepted", json_of(trace.accepted)},
                          {"rule", trace.rule},
                          {"rule_threshold", json_of(trace.rule_threshold)},
                          {"votes_in_order", trace.votes_in_order},
                          {"comments", trace.comments},
                          {"votes", std::move(votes)}};
  // Texts that are not UTF-8 cannot stand in JSON: their bad bytes become U+FFFD.
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace audit
