#pragma once

#include <optional>
#include <string_view>

namespace prompts {

// The bytes of a file of this folder as it was when the program was built.
std::optional<std::string_view> embedded_file(std::string_view name);

}  // namespace prompts
