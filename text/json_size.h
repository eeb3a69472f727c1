#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace text {

// A nested bomb costs a parser some forty times its own size, so what strangers send is measured
// before anything is built of it.
struct JsonLimits {
  std::size_t depth = 64;
  std::size_t values = SIZE_MAX;  // in all, arrays and objects among them
};

// Where nesting or the number of values passes a limit; nothing if neither does. Brackets and
// commas inside strings do not count. A text that is not JSON at all is left to the parser.
std::optional<std::size_t> find_json_excess(std::string_view bytes, const JsonLimits& limits);

}  // namespace text
