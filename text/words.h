#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace text {

std::string_view trim(std::string_view text);                   // blanks, tabs, line ends
std::vector<std::string_view> lines_of(std::string_view text);  // without their line ends
std::string lower_ascii(std::string_view text);

// The entry of `known` that is nearest to `word` (Damerau-Levenshtein distance), if it is near
// enough to be what was meant: at most a third of the word's letters away.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

}  // namespace text
