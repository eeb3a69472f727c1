#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/record.h"

namespace formats {

// JSON of strangers: checked as a whole first, then taken apart one level at a time. What is nested
// stays text until somebody asks for it.

inline constexpr std::size_t kJsonDepthMax = 64;

struct JsonFault {
  std::size_t offset = 0;  // of the byte that is wrong, at most the text's size
  std::string reason;
};

// Why `json` is not one strict JSON text (RFC 8259 in UTF-8, no name twice in an object, nested at
// most kJsonDepthMax deep), or nothing if it is. The depth is checked before anything is parsed.
std::optional<JsonFault> find_json_fault(std::string_view json);

// A value of an array or object and the offset at which it starts.
struct Member {
  std::string name;  // empty in an array
  Value value;
  std::size_t offset = 0;
};

// What the first character that is not blank says the text is; its value.
// REQUIRES (also for the next three): find_json_fault(json) is nothing.
Value json_value(std::string_view json);

// The members of an object or array, in order; none for any other value.
std::vector<Member> members_of(std::string_view json);

// The value that a path of names and indices from 0 leads to: "solutions.0.solution".
std::optional<Value> value_at(std::string_view json, std::string_view path);

// The value as JSON: a string quoted, everything else as it is.
std::string json_of(const Value& value);

// A JSON string literal. Bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace formats
