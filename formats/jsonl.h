#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "formats/record.h"

namespace formats {

// JSON Lines: one object a line, in UTF-8, with LF or CRLF. Blank lines count but hold nothing.

inline constexpr std::size_t kLineBytesMax = std::size_t{64} << 20;

struct JsonlLimits {
  std::size_t line_bytes_max = kLineBytesMax;
  std::size_t rows_max = kRowsMax;
};

// All objects of `bytes`. A line that is no strict JSON object (json.h), or is too long, becomes an
// error with its line and column; the other lines are read. `file` is for the places only.
// Throws FormatError at UTF-16 and past rows_max.
Records read_jsonl(std::string_view bytes, const std::string& file, const JsonlLimits& limits = {});

// One JSON text: an array of objects, an object that holds such an array under "problems" or
// "submissions", or one object. Each record's line is where it starts. An element that is no object
// becomes an error; a text that is no strict JSON throws FormatError.
Records read_json(std::string_view bytes, const std::string& file);

// The record as one line of JSON with its line end, fields in their order.
std::string jsonl_line(const Record& record);

}  // namespace formats
