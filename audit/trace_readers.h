#pragma once

#include <string>
#include <vector>

#include "audit/trace.h"
#include "formats/record.h"

namespace audit {

// The readers behind read_traces, one for each origin. Each takes one record and throws
// formats::FormatError, with the reason alone, if it is not what its origin writes.

Trace read_own_record(const formats::Record& record);
Trace read_outputs_record(const formats::Record& record);

// A pool's record may be readable and still contradict itself: then `complaint` says how.
struct PoolRecord {
  Trace trace;
  std::string complaint;
};
PoolRecord read_pool_record(const formats::Record& record);

// A log is read as a whole, since its calls speak of one another.
void read_momus_log(const std::vector<formats::Record>& records, Traces& traces);

// The fields as one JSON object's text.
std::string object_text(const formats::Record& record);

// The text of a string field; empty if it is absent.
std::string text_field(const formats::Record& record, std::string_view path);
// The finite number at a path, a JSON number or a string that is one.
std::optional<double> number_field(const formats::Record& record, std::string_view path);

}  // namespace audit
