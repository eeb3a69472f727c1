#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace apps {

// Where the results of a command go: standard output, or a file that appears whole or not at all.
// It is written beside its name, forced to the disk and renamed, piece by piece, because an export
// can be larger than memory. Not committed: nothing is left behind.
class Output {
 public:
  // "-" is standard output. Throws Exit(Usage) if the file cannot be written, or is a directory.
  explicit Output(const std::string& file);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  std::filesystem::path file_;  // empty: standard output
  std::filesystem::path beside_;
  int descriptor_ = -1;
};

// All of a file, by the same way. Makes the folder that is to hold it. "-" is a name like any
// other.
void write_whole_file(const std::filesystem::path& file, std::string_view bytes);

// To standard output, at once. Throws Exit(ItemFailed) if it cannot be written: a result that is
// lost is no success.
void write_stdout(std::string_view bytes);

bool stdout_is_terminal();

}  // namespace apps
