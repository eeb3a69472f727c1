#include "formats/jsonl.h"

#include <algorithm>

#include "formats/json.h"
#include "text/utf8.h"
#include "text/words.h"

namespace formats {
namespace {

Record record_of(std::string_view json, SourcePlace place) {
  Record record{.place = std::move(place), .fields = {}};
  for (Member& member : members_of(json))
    record.fields.push_back({std::move(member.name), std::move(member.value)});
  return record;
}

}  // namespace

Records read_jsonl(std::string_view bytes, const std::string& file, const JsonlLimits& limits) {
  bytes = without_byte_order_mark(bytes, file);
  Records read;
  for (std::size_t line_number = 1; !bytes.empty(); ++line_number) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
    if (text::trim(line).empty()) continue;

    SourcePlace place{file, line_number};
    if (read.records.size() + read.errors.size() >= limits.rows_max)
      throw FormatError(to_text(place) + ": more than " + std::to_string(limits.rows_max) +
                        " rows; split the file");
    if (line.size() > limits.line_bytes_max) {
      read.errors.push_back(
          {place, limits.line_bytes_max + 1,
           "a line of more than " + std::to_string(limits.line_bytes_max) + " bytes"});
    } else if (const auto fault = find_json_fault(line)) {
      read.errors.push_back({place, fault->offset + 1, fault->reason});
    } else if (json_value(line).kind != Kind::Object) {
      read.errors.push_back({place, 1, "not a JSON object"});
    } else {
      read.records.push_back(record_of(line, std::move(place)));
    }
  }
  return read;
}

Records read_json(std::string_view bytes, const std::string& file) {
  bytes = without_byte_order_mark(bytes, file);
  if (const auto fault = find_json_fault(bytes)) {
    const text::Place place = text::place_of(bytes, fault->offset);
    throw FormatError(file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) +
                      ": " + fault->reason);
  }

  // `base` is where `rows` starts in `bytes`, so that lines are counted through the whole file.
  std::string_view rows = bytes;
  std::size_t base = 0;
  std::vector<Member> members = members_of(bytes);
  if (json_value(bytes).kind == Kind::Object) {
    const auto list = std::ranges::find_if(members, [](const Member& member) {
      return member.value.kind == Kind::Array &&
             (member.name == "problems" || member.name == "submissions");
    });
    if (list == members.end()) {
      const std::size_t start = bytes.find('{');
      Records one;
      one.records.push_back(record_of(bytes, {file, text::place_of(bytes, start).line}));
      return one;
    }
    base = list->offset;
    rows = bytes.substr(base, list->value.text.size());
    members = members_of(rows);
  } else if (json_value(bytes).kind != Kind::Array) {
    throw FormatError(file + ":1:1: neither a JSON object nor an array of objects");
  }

  if (members.size() > kRowsMax)
    throw FormatError(file + ": more than " + std::to_string(kRowsMax) + " rows; split the file");
  Records read;
  std::size_t line = 1;
  std::size_t counted = 0;
  for (const Member& member : members) {
    const std::size_t offset = base + member.offset;
    line += std::size_t(std::count(bytes.begin() + std::ptrdiff_t(counted),
                                   bytes.begin() + std::ptrdiff_t(offset), '\n'));
    counted = offset;
    if (member.value.kind == Kind::Object)
      read.records.push_back(record_of(member.value.text, {file, line}));
    else
      read.errors.push_back(
          {{file, line}, text::place_of(bytes, offset).column, "not a JSON object"});
  }
  return read;
}

std::string jsonl_line(const Record& record) {
  std::string line = "{";
  for (const Field& field : record.fields) {
    if (line.size() > 1) line += ',';
    line += json_string(field.name) + ":" + json_of(field.value);
  }
  return line + "}\n";
}

}  // namespace formats
