#pragma once

#include <cstdint>

namespace text {

// The time of day as every table holds it: milliseconds since 1970-01-01T00:00:00Z.
int64_t unix_milliseconds();

}  // namespace text
