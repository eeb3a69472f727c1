#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace training {

// Writes `parts` one behind the other as `file`, all or nothing: under a temporary name beside it,
// forced to the disk, renamed, the folder's list of names forced too. Whoever reads `file`
// meanwhile sees the old one whole. Throws std::runtime_error: what was tried, on what, what came
// back; the old file is then still there, the temporary one not.
void write_atomically(const std::filesystem::path& file, std::span<const std::string_view> parts);

// What a temporary name ends with: such files are left over from a crash and can be deleted.
inline constexpr std::string_view kTemporaryEnding = ".part";

}  // namespace training
