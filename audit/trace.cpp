#include "audit/trace.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "audit/trace_readers.h"
#include "formats/json.h"
#include "formats/jsonl.h"
#include "formats/mapping.h"
#include "text/words.h"

namespace audit {
namespace {

using formats::FormatError;
using formats::Record;

Origin origin_of(const Record& record) {
  if (text_field(record, "schema").starts_with("elenchus.trace/")) return Origin::Elenchus;
  if (record.find("model_prediction")) return Origin::DeepSeekOutputs;
  if (record.find("score2ratings")) return Origin::DeepSeekPool;
  if (record.find("role") && record.find("request")) return Origin::Momus;
  return Origin::Guess;
}

Origin guess_origin(const std::vector<Record>& records, const std::string& file) {
  for (const Record& record : records)
    if (const Origin origin = origin_of(record); origin != Origin::Guess) return origin;
  throw FormatError(
      file +
      ": no record of a known trace: elenchus.trace/1 (written by `runs export`), "
      "DeepSeek-Math-V2 outputs (model_prediction), its proof pools (score2ratings), or a "
      "Momus log (role, request)");
}

void read_one(const Record& record, Traces& traces) {
  if (traces.origin == Origin::DeepSeekPool) {
    PoolRecord read = read_pool_record(record);
    traces.traces.push_back(std::move(read.trace));
    if (!read.complaint.empty())
      traces.errors.push_back({record.place, 0, std::move(read.complaint)});
  } else if (traces.origin == Origin::DeepSeekOutputs) {
    traces.traces.push_back(read_outputs_record(record));
  } else {
    traces.traces.push_back(read_own_record(record));
  }
}

}  // namespace

std::string_view to_text(Origin origin) {
  switch (origin) {
    case Origin::Guess:
      return "unknown";
    case Origin::Elenchus:
      return "elenchus";
    case Origin::DeepSeekOutputs:
      return "deepseek-outputs";
    case Origin::DeepSeekPool:
      return "deepseek-pool";
    case Origin::Momus:
      return "momus";
  }
  return "?";
}

std::string text_field(const Record& record, std::string_view path) {
  const auto value = formats::value_of(record, path);
  return value && value->kind == formats::Kind::String ? value->text : "";
}

std::optional<double> number_field(const Record& record, std::string_view path) {
  const auto value = formats::value_of(record, path);
  if (!value) return std::nullopt;
  double number = 0;
  const char* end = value->text.data() + value->text.size();
  const auto [stop, error] = std::from_chars(value->text.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::string object_text(const Record& record) { return formats::jsonl_line(record); }

Traces read_traces(std::string_view bytes, const std::string& file, Origin origin) {
  bytes = formats::without_byte_order_mark(bytes, file);
  formats::Records read = text::trim(bytes).starts_with('[') ? formats::read_json(bytes, file)
                                                             : formats::read_jsonl(bytes, file);
  Traces traces;
  traces.records = read.records.size() + read.errors.size();
  traces.errors = std::move(read.errors);
  traces.origin = origin == Origin::Guess ? guess_origin(read.records, file) : origin;
  if (traces.origin == Origin::Momus) {
    read_momus_log(read.records, traces);
    return traces;
  }
  for (const Record& record : read.records) {
    try {
      read_one(record, traces);
    } catch (const FormatError& error) {
      traces.errors.push_back({record.place, 0, error.what()});
    }
  }
  return traces;
}

}  // namespace audit
