#pragma once

#include <filesystem>
#include <string_view>

namespace storage {

// `file` with its folder made absolute and free of symbolic links, so that one file has one name.
// Throws std::runtime_error if the folder does not exist.
std::filesystem::path resolved(const std::filesystem::path& file);

enum class FileKind { Missing, Regular, Other };

// Asks about the name itself (a symbolic link is Other) and never opens the file: closing it would
// drop the locks that SQLite holds on it for this process (fcntl(2), "Record locking").
FileKind kind_of(const std::filesystem::path& file);

// Creates an empty file that only its owner may read or write. Throws if the name is taken.
void create_private(const std::filesystem::path& file);

// Forces a file, or a folder's list of names, to the disk.
void sync_to_disk(const std::filesystem::path& file_or_folder);

// Throws std::runtime_error: "cannot ACTION FILE: " and what errno says.
[[noreturn]] void fail_with_errno(std::string_view action, const std::filesystem::path& file);

}  // namespace storage
