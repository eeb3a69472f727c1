#include "text/json_size.h"

namespace text {

std::optional<std::size_t> find_json_excess(std::string_view bytes, const JsonLimits& limits) {
  std::size_t depth = 0;
  std::size_t values = 1;  // at most: an empty array counts as two
  bool in_string = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limits.depth || ++values > limits.values) return i;
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
    } else if (c == ',' && ++values > limits.values) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace text
