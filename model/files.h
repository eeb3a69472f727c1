#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace model {

// The whole of a regular file. Throws Refused: there is none, it cannot be read, it is a directory,
// a device or a pipe, or it holds more than bytes_max bytes.
inline constexpr std::size_t kConfigBytesMax = 1 << 20;  // of config.json and its like
std::string read_whole_file(const std::filesystem::path& path, std::size_t bytes_max);

// A regular file mapped for reading, of which nothing is read before it is looked at. Whoever
// shortens the file meanwhile ends the program; replacing it by another does no harm.
class MappedFile {
 public:
  // Throws Refused as read_whole_file does, whatever the size.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const unsigned char> bytes() const { return bytes_; }

 private:
  std::span<const unsigned char> bytes_;
};

// A stranger's text as a message may hold it: in quotes, one line, at most kQuotedBytesMax bytes.
inline constexpr std::size_t kQuotedBytesMax = 120;
std::string in_quotes(std::string_view text);

}  // namespace model
