#include <charconv>
#include <cmath>
#include <filesystem>

#include "audit/trace_readers.h"
#include "formats/json.h"
#include "formats/mapping.h"

namespace audit {
namespace {

using formats::FormatError;
using formats::Kind;
using formats::Member;
using formats::Value;

// The published code reads any number from a box; a vote counts here only as 0, 0.5 or 1.
std::optional<double> fraction_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value != 0 && value != 0.5 && value != 1) return std::nullopt;
  return value;
}

std::string required_text(const formats::Record& record, std::string_view path) {
  const auto value = formats::value_of(record, path);
  if (!value || value->kind == Kind::Null)
    throw FormatError("\"" + std::string(path) + "\" is missing");
  if (value->kind != Kind::String)
    throw FormatError("\"" + std::string(path) + "\" is not a string");
  return value->text;
}

double required_share(const formats::Record& record, std::string_view path) {
  const auto number = number_field(record, path);
  if (!number || *number < 0 || *number > 1)
    throw FormatError("\"" + std::string(path) + "\" is not a number within 0 to 1");
  return *number;
}

TraceVote read_rating(const Member& rating, std::string_view key, std::string& complaint) {
  if (rating.value.kind != Kind::Object)
    throw FormatError("\"score2ratings\" holds something that is no rating");
  TraceVote vote;
  vote.score = std::string(key);
  vote.fraction = fraction_of(key);
  if (!vote.fraction)
    throw FormatError("\"score2ratings\" has the score \"" + std::string(key.substr(0, 20)) +
                      "\", which is none of 0, 0.5 and 1");
  if (const auto text = formats::value_at(rating.value.text, "rating");
      text && text->kind == Kind::String)
    vote.text = text->text;
  else
    throw FormatError("a rating in \"score2ratings\" has no text");
  if (const auto score = formats::value_at(rating.value.text, "score");
      score && score->kind != Kind::Null && fraction_of(score->text) != vote.fraction)
    complaint = "a rating with the score " + score->text.substr(0, 20) +
                " stands among those with " + std::string(key);
  return vote;
}

}  // namespace

Trace read_outputs_record(const formats::Record& record) {
  Trace trace;
  trace.origin = Origin::DeepSeekOutputs;
  trace.place = record.place;
  trace.id = required_text(record, "problem_idx");
  trace.problem = required_text(record, "question");
  trace.proof = required_text(record, "model_prediction.proof");
  trace.mean = required_share(record, "model_prediction.average_automatic_rating");
  return trace;
}

PoolRecord read_pool_record(const formats::Record& record) {
  PoolRecord read;
  Trace& trace = read.trace;
  trace.origin = Origin::DeepSeekPool;
  trace.place = record.place;
  trace.id = std::filesystem::path(record.place.file).stem().string();
  const auto id = formats::value_of(record, "proof_id");
  trace.id += "#" + (id && !formats::is_absent(*id) ? id->text : std::to_string(record.place.line));
  trace.problem = text_field(record, "question");
  trace.proof = required_text(record, "proof");
  trace.mean = required_share(record, "meanscore");
  trace.self_evaluation = text_field(record, "self_eval.self_eval");
  if (trace.self_evaluation.empty()) trace.self_evaluation = text_field(record, "self_eval");

  const Value* ratings = record.find("score2ratings");
  if (!ratings || ratings->kind != Kind::Object)
    throw FormatError("\"score2ratings\" is missing or no object");
  for (const Member& score : formats::members_of(ratings->text)) {
    if (score.value.kind != Kind::Array)
      throw FormatError("\"score2ratings\" holds something that is no list");
    for (const Member& rating : formats::members_of(score.value.text)) {
      if (trace.votes.size() == kVotesMax)
        throw FormatError("more than " + std::to_string(kVotesMax) + " ratings");
      trace.votes.push_back(read_rating(rating, score.name, read.complaint));
    }
  }
  trace.parsed = trace.votes.size();
  return read;
}

}  // namespace audit
